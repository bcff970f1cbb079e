"""How a plugin is run that is given by its file, or by the words of a command line."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clnwire.errors import ClnwireError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ProgramError(ClnwireError):
    """There is nothing that could be run; the message says why, and what to do."""


def of_file(path: str | Path) -> list[str]:
    """A file as it is, or with this Python if it is no executable `.py`. Raises `ProgramError`."""
    file = Path(path).absolute()
    if not file.is_file():
        raise ProgramError(f"plugin '{path}': there is no such file")
    if os.access(file, os.X_OK):
        return [str(file)]
    if file.suffix == ".py":
        return [sys.executable, str(file)]
    raise ProgramError(f"plugin '{path}' is not executable; try: chmod a+x {path}")


def of_words(words: Sequence[str]) -> list[str]:
    """A file or a program that is found on `PATH`, and its arguments. Raises `ProgramError`."""
    program, *arguments = words
    found = None if Path(program).exists() else shutil.which(program)
    return [*(of_file(program) if found is None else [found]), *arguments]
