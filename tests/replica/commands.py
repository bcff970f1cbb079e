"""Runs `clnwire replica` in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest


class Ran(NamedTuple):
    """How a command has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The object that it has printed."""
        return msgspec.json.decode(self.out)


class Commands:
    """The commands, for the node in one directory."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory, self._capsys = directory, capsys

    def __call__(self, *words: str | Path) -> Ran:
        from clnwire.cli import app

        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app([str(word) for word in ("replica", *words)])
        return Ran(ended.value.code or 0, *self._capsys.readouterr())  # type: ignore[arg-type]

    def on_node(self, command: str, *words: str | Path) -> Ran:
        """A command with `--directory`."""
        return self(command, *words, "--directory", self.directory)
