"""Checks plugins' notifications as Core Lightning does, which kills the plugin for most faults."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct, json

from clnwire import _core
from clnwire._wire.foreign import shortened
from clnwire.errors import sendable
from clnwire.host.rules.decoding import UndecodableError, as_object, decoded, object_text, shown
from clnwire.host.rules.dialect import CURRENT, HostDialect

if TYPE_CHECKING:
    from clnwire.host.errors import DeathKind

_UNKNOWN_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u")


class OutputError(Exception):
    """Output for which the daemon would have killed the plugin; the text is the reason."""

    kind: DeathKind
    """The reason in machine-readable form."""

    def __init__(self, kind: DeathKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class LogLines(Struct, frozen=True):
    """A notification `log`, split into lines."""

    level: str
    lines: list[str]
    longest: int
    """The length of the longest line in bytes, as the daemon counts it."""


class Notice(Struct, frozen=True):
    """A `message` or `progress` for the caller of a request."""

    method: str
    token: bytes
    """The JSON text of the id that the plugin sent: that of the host's request."""
    params: bytes

    def addressed_to(self, token: bytes) -> bytes:
        """The notification's text, with the caller's id `token`."""
        members = _core.members(self.params)
        params = object_text((name, token if name == "id" else text) for name, text in members)
        method = json.encode(self.method)
        return b'{"jsonrpc":"2.0","method":%s,"params":%s}\n\n' % (method, params)


class Publication(Struct, frozen=True):
    """A notification for the subscribers of its topic."""

    topic: str
    params: bytes


Output: TypeAlias = "LogLines | Notice | Publication"


def check_envelope(frame: _core.Frame) -> None:
    """Checks the rules common to replies and notifications. Raises `OutputError`."""
    if frame.jsonrpc is None:
        raise OutputError("jsonrpc", f'sent a message without "jsonrpc": {shown(frame.bytes)}')


def judge_notification(frame: _core.Frame, dialect: HostDialect = CURRENT) -> Output:
    """Classifies a message without an id. Raises `OutputError`."""
    method, params = frame.method, frame.params
    if method is None or params is None:
        missing = "method" if method is None else "params"
        text = f'sent a notification without "{missing}": {shown(frame.bytes)}'
        raise OutputError("notification", text)
    if method == "log":
        return _log(params, dialect.levels)
    if method in ("message", "progress") and dialect.takes_notices:
        return _notice(method, params)
    if not dialect.takes_anything:
        known = f"that a daemon of {dialect.name} does not know"
        text = f"sent a notification {shortened(method)!r} {known}"
        raise OutputError("notification", text)
    return Publication(method, params)


def _log(params: bytes, levels: Sequence[str]) -> LogLines:
    try:
        members = as_object(decoded(params)) or {}
    except UndecodableError as error:
        raise OutputError("log", f"sent a log line that {error}") from None
    message, level = members.get("message"), members.get("level", "info")
    if not isinstance(message, str):
        text = f'sent a log line without a string "message": {shown(params)}'
        raise OutputError("log", text)
    if level not in levels:
        known = ", ".join(levels)
        text = f"sent a log line of unknown level {shortened(repr(level))}; there are {known}"
        raise OutputError("level", text)
    lines, longest = _lines(message, _core.members(params))
    # The daemon logs a lone surrogate as its escape sequence.
    return LogLines(level, [sendable(line) for line in lines], longest)


def _lines(message: str, params: Sequence[tuple[str, bytes]]) -> tuple[list[str], int]:
    """The lines into which the daemon splits a text, and the length in bytes of the longest one.

    The daemon cannot unescape `\\u`. It logs a text that contains this escape as one line, with
    the raw JSON text (`plugin_log_handle` in lightningd/plugin.c, `unescape` in ccan/json_escape).
    """
    spelled = dict(params).get("message", b"")
    if _UNKNOWN_ESCAPE.search(spelled):
        return [message], len(spelled) - 2
    lines = message.split("\n")
    return lines, max(len(line.encode()) for line in lines)


def _notice(method: str, params: bytes) -> Notice:
    token = dict(_core.members(params)).get("id") if params.startswith(b"{") else None
    if token is None:
        text = f'sent "{method}" without the id of a request: {shown(params)}'
        raise OutputError("notice", text)
    return Notice(method, token, params)
