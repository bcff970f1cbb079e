"""The caller of a command: lets the command's function send messages and progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import json

from clnwire._wire.levels import CURRENT_LEVELS, check_level
from clnwire.host.plugins.output import Notice
from clnwire.messages.progress import check_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._wire.levels import LogLevel


class Caller:
    """The caller of a command, passed to a command's function as its second parameter."""

    method: str
    """The command's name."""
    token: str
    """The exact JSON text of the caller's id; `null` if there is none."""

    def __init__(
        self, method: str, token: bytes | None, notify: Callable[[Notice], None] | None
    ) -> None:
        self.method = method
        self.token = (token or b"null").decode()
        self._notify = notify

    def notify(self, text: str, level: LogLevel = "info") -> None:
        """Sends the caller a line if it enabled notifications.

        Raises `UsageError` for an unknown level.
        """
        check_level(level)
        self._send("message", {"id": 0, "level": CURRENT_LEVELS[level], "message": text})

    def progress(self, done: int, total: int, *, stage: tuple[int, int] | None = None) -> None:
        """Tells the caller that `done` of `total` steps are done.

        `stage` is the number of the current stage and the number of stages. Raises `UsageError`
        for numbers out of range.
        """
        check_progress(done, total)
        params: dict[str, object] = {"id": 0, "num": done, "total": total}
        if stage is not None:
            check_progress(*stage)
            params["stage"] = {"num": stage[0], "total": stage[1]}
        self._send("progress", params)

    def _send(self, method: str, params: dict[str, object]) -> None:
        # `Notice.addressed_to` replaces the id 0 with the caller's id.
        if self._notify is not None:
            self._notify(Notice(method, self.token.encode(), json.encode(params)))
