"""Keeps the messages between the daemon and its plugins, to show them when a test fails."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from msgspec import DecodeError, Struct, json

from clnwire._core import MalformedError, members
from clnwire._wire.foreign import in_one_line

KEPT: Final = 1000
"""The newest messages to keep: bounds memory in a test that floods a plugin."""
KEPT_BYTES: Final = 4096
"""The most bytes to keep of each message. An onion fits; a large reply is cut."""
SHOWN: Final = 100
"""The most lines of a report."""
SHOWN_CHARACTERS: Final = 300
"""The most characters of a message's params or result in a report."""


class _Log(Struct):
    message: str
    level: str = "info"


class _Entry(Struct, frozen=True):
    seconds: float
    is_ours: bool
    """Whether the daemon sent it."""
    peer: str
    data: bytes
    size: int


class Traffic:
    """The messages of a host, both ways, in order. `str()` gives a report for people."""

    is_reported = False
    """Whether the report of a failed test shows them, so that its error does not."""

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque(maxlen=KEPT)
        self._count = 0
        self._start = time.monotonic()

    def __len__(self) -> int:
        return self._count

    def __str__(self) -> str:
        return self.text()

    def add(self, peer: str, message: bytes, *, is_ours: bool) -> None:
        """Keeps a message from the daemon to a peer, or from the peer to the daemon."""
        self._count += 1
        now = time.monotonic() - self._start
        self._entries.append(_Entry(now, is_ours, peer, message[:KEPT_BYTES], len(message)))

    def text(self, limit: int = SHOWN) -> str:
        """The last messages, a line each: when in seconds, `→` from the daemon or `←` to it."""
        entries = list(self._entries)[-limit:]
        earlier = self._count - len(entries)
        lines = [f"({earlier} earlier messages are left out)"] if earlier else []
        return "\n".join([*lines, *_lines(entries)]) or "(no messages)"


def _lines(entries: list[_Entry]) -> Iterator[str]:
    width = max((len(entry.peer) for entry in entries), default=0)
    for entry in entries:
        arrow = "→" if entry.is_ours else "←"
        yield f"{entry.seconds:8.3f} {arrow} {entry.peer:<{width}}  {_summary(entry)}"


def _summary(entry: _Entry) -> str:
    try:
        parts = members(entry.data.strip())
        found = {name: text.decode("utf-8", "replace") for name, text in reversed(parts)}
        what = "error" if "error" in found else "result"
        body = found.get(what, "")
        if "method" in found:
            what, body = json.decode(found["method"], type=str), found.get("params", "")
    except (MalformedError, DecodeError, RecursionError):
        return _cut(entry.data.decode("utf-8", "replace").strip(), entry.size)
    if what == "log":
        with suppress(DecodeError, RecursionError):
            line = json.decode(body, type=_Log)
            what, body = f"log {line.level}", line.message
    token = f" {found['id']}" if "id" in found else ""
    return f"{what}{token}  {_cut(body, entry.size)}".rstrip()


def _cut(text: str, size: int) -> str:
    """The text cut to `size`, without characters that move a terminal's cursor."""
    line = in_one_line(text[:SHOWN_CHARACTERS])
    return line if len(text) <= SHOWN_CHARACTERS else f"{line}… ({size} bytes)"
