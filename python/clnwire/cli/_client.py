"""What the commands that talk to a running daemon share: its socket's path, one call, and what is
shown while it runs."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from msgspec import DecodeError, json

from clnwire._core import Frame, members
from clnwire._wire.foreign import printable
from clnwire._wire.levels import ALIASES, SCALE
from clnwire.cli._failing import fail
from clnwire.cli._params import json_text, string_text
from clnwire.errors import ConnectionLostError
from clnwire.rpc._call import CallOptions
from clnwire.rpc._connection import opened
from clnwire.rpc._text import enabling_text, request_text
from clnwire.rpc._waiting import run

LEVELS: Final = (*SCALE, "none")
"""From the least important; `none` is above all that a plugin sends."""
_WIDTH: Final = 30


def socket_path(lightning_dir: str, network: str, rpc_file: str) -> Path:
    """The path of the daemon's socket; a daemon of 2019 has it in `lightning_dir` itself."""
    directory, file = Path(lightning_dir).expanduser(), Path(rpc_file).expanduser()
    if (directory / file).is_socket():
        return directory / file
    return directory / network / file


class Waiting:
    """Shows `message` and `progress` notifications on stderr while a command runs.

    On a terminal, progress is one line that changes; elsewhere each step has its line.
    """

    def __init__(self, level: str = "info") -> None:
        self._least = LEVELS.index(level)
        self._terminal = sys.stderr.isatty()
        self._shown = ""
        self._show = CallOptions(on_message=self._message, on_progress=self._progress).notices()

    def __enter__(self) -> "Waiting":
        return self

    def __exit__(self, *_: Any) -> None:
        self._wipe()

    def take(self, frame: Frame) -> None:
        """Shows a notification; ignores all other frames."""
        assert self._show is not None
        with suppress(DecodeError, RecursionError):
            self._show(frame)
        sys.stderr.flush()

    def _message(self, text: str, level: str) -> None:
        level = ALIASES.get(level, level)
        if level not in LEVELS or LEVELS.index(level) >= self._least:
            self._wipe()
            sys.stderr.write("# " + printable(text).replace("\n", "\n# ") + "\n")

    def _progress(self, done: int, total: int, stage: tuple[int, int] | None) -> None:
        length = min(_WIDTH, max(0, _WIDTH * done // max(1, total)))
        prefix = f"stage {stage[0] + 1}/{stage[1]} " if stage and stage[1] > 1 else ""
        line = f"# {prefix}[{'=' * length:<{_WIDTH}}] {done}/{total}"
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


def call_daemon(
    path: Path,
    method: str,
    params: bytes,
    *,
    trim: bytes | None = None,
    level: str = "info",
    timeout: float | None = None,
) -> Frame:
    """Calls the daemon, and shows its `message` and `progress` on stderr until it replies.

    `trim` is the request's `filter`; `timeout` is in seconds. Raises `ConnectionLostError` and
    `ExpiredError`.
    """
    connection = run(opened(str(path)))
    try:
        # The id follows lightning-cli: the logs of the daemon and its plugins then show the caller.
        token = json.encode(f"cli:{method}#{os.getpid()}")
        request = request_text(token, method, params, trim)
        shows = level != "none"
        if shows:
            request = enabling_text(b'"cli:notifications"') + request
        with Waiting(level) as waiting:
            try:
                run(connection.send(request), timeout)
            except OSError as error:
                raise connection.lost(error) from error
            return run(connection.reply(token, waiting.take if shows else None), timeout)
    finally:
        connection.close()


def send_event(command: str, kind: str, name: str, payload: str | None, path: Path) -> None:
    """Calls the host's command for events, and prints the result; the payload stays as it is.

    A refusal ends the command with status 1. Raises `WordError`.
    """
    event = b"" if payload is None else b',"payload":' + json_text(payload)
    params = b"{%s:%s%s}" % (json.encode(kind), string_text(name), event)
    reply = reached(command, path, f"clnwire-{command}", params)
    if reply.error is not None:
        error = dict(members(reply.error))
        text = (
            json.decode(error["message"], type=str) if "message" in error else reply.error.decode()
        )
        fail(command, text, 1)
    sys.stdout.write(json.format(reply.result or b"null", indent=3).decode() + "\n")


def reached(command: str, path: Path, method: str, params: bytes, **settings: Any) -> Frame:
    """The reply of `call_daemon`; without a connection the command ends with status 2."""
    try:
        return call_daemon(path, method, params, **settings)
    except ConnectionLostError as error:
        if error.may_have_run:
            fail(command, str(error), 2)
        hint = "start a host with `clnwire run PLUGIN`, or give another --lightning-dir"
        fail(command, f"no daemon answers at {error}; {hint}", 2)
