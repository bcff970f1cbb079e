"""Shows `message` and `progress` notifications on stderr while a command runs."""

import sys
from typing import Any, Final

from msgspec import DecodeError, Struct, json

from clnwire._core import Frame
from clnwire._wire.foreign import printable
from clnwire._wire.levels import ALIASES, SCALE

LEVELS: Final = (*SCALE, "none")
"""From the least important; `none` is above all that a plugin sends."""
_WIDTH: Final = 30


class _Stage(Struct):
    num: int = 0
    total: int = 1


class _Params(Struct):
    message: str = ""
    level: str = "info"
    num: int = 0
    total: int = 1
    stage: _Stage | None = None


class _Notification(Struct):
    method: str
    params: _Params


class Waiting:
    """On a terminal, progress is one line that changes; elsewhere each step has its line."""

    def __init__(self, level: str = "info") -> None:
        self._least = LEVELS.index(level)
        self._terminal = sys.stderr.isatty()
        self._shown = ""

    def __enter__(self) -> "Waiting":
        return self

    def __exit__(self, *_: Any) -> None:
        self._wipe()

    def take(self, frame: Frame) -> None:
        """Shows a notification; ignores all other frames."""
        try:
            found = json.decode(frame.bytes, type=_Notification)
        except (DecodeError, RecursionError):
            return
        if found.method == "message" and self._matters(found.params.level):
            self._wipe()
            text = printable(found.params.message).replace("\n", "\n# ")
            sys.stderr.write(f"# {text}\n")
        elif found.method == "progress":
            self._progress(found.params)
        sys.stderr.flush()

    def _matters(self, level: str) -> bool:
        level = ALIASES.get(level, level)
        return level not in LEVELS or LEVELS.index(level) >= self._least

    def _progress(self, params: _Params) -> None:
        line = _bar(params)
        if line == self._shown:
            return
        self._wipe()
        self._shown = line
        sys.stderr.write(line if self._terminal else f"{line}\n")

    def _wipe(self) -> None:
        if self._terminal and self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._shown = ""


def _bar(params: _Params) -> str:
    done = min(_WIDTH, max(0, _WIDTH * params.num // max(1, params.total)))
    stage = params.stage
    prefix = f"stage {stage.num + 1}/{stage.total} " if stage and stage.total > 1 else ""
    return f"# {prefix}[{'=' * done:<{_WIDTH}}] {params.num}/{params.total}"
