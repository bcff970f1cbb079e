"""Records the messages between the host and the plugin, and tells when the plugin is at rest."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from clnwire._core import Frame, Framer, members

QUIET: Final = 0.1
"""Seconds without output after which a plugin counts as quiet."""
LONGEST_SETTLING: Final = 2.0
"""The longest wait for quiet, in seconds."""
_STATES: Final = (b"R", b"D", b"Z")
"""Linux's states of a thread that runs, waits for a processor or a disk, or has just ended."""

Stray: TypeAlias = Literal["wrong id", "twice", "unasked"]


class StrayReply(Struct, frozen=True):
    """A reply that matches no open request."""

    kind: Stray
    """A wrong id while a request is open, a second reply, or a reply while no request is open."""
    text: bytes


class Watch:
    """The traffic of one session."""

    def __init__(self) -> None:
        self.spawned = perf_counter()
        self.manifest: bytes | None = None
        """The manifest's text."""
        self.init_seconds: float | None = None
        """From the plugin's start to its answer to `init`."""
        self.init_error: bytes | None = None
        self.last_in = b""
        self.last_out = b""
        self.sent = 0
        self.stray: list[StrayReply] = []
        self.answers: list[tuple[bytes, bytes]] = []
        """Requests with their replies."""
        self._waiting: dict[bytes, tuple[str, bytes]] = {}
        self._answered: set[bytes] = set()
        self._last_output = 0.0

    def see(self, direction: str, plugin: str, frame: bytes) -> None:
        """Records a frame, `in` to the plugin or `out` from it."""
        del plugin
        if direction == "in":
            self._sent(frame)
            return
        self.last_out, self._last_output = frame, perf_counter()
        framer = Framer()
        framer.feed(frame + b"\n")
        reply = next(framer)
        if reply.id is not None:
            self._replied(reply, reply.id)

    def waiting(self) -> list[str]:
        """The methods of the open requests, as JSON text."""
        return [method for method, _ in self._waiting.values()]

    def _sent(self, frame: bytes) -> None:
        self.last_in = frame
        self.sent += 1
        found = dict(reversed(members(frame)))
        if "id" in found:
            self._waiting[found["id"]] = (found["method"].decode(), frame)

    def _replied(self, reply: Frame, token: bytes) -> None:
        method, request = self._waiting.pop(token, (None, b""))
        if method is None:
            self.stray.append(StrayReply(self._kind(token), reply.bytes))
            return
        self._answered.add(token)
        self.answers.append((request, reply.bytes))
        if method == '"getmanifest"':
            self.manifest = reply.result
        elif method == '"init"':
            self.init_seconds, self.init_error = perf_counter() - self.spawned, reply.error

    def _kind(self, token: bytes) -> Stray:
        if token in self._answered:
            return "twice"
        return "wrong id" if self._waiting else "unasked"

    async def settle(self) -> None:
        """Waits until the plugin has sent nothing for `QUIET`, at most for `LONGEST_SETTLING`."""
        started = perf_counter()
        while perf_counter() - started < LONGEST_SETTLING:
            quiet_since = max(started, self._last_output)
            rest = QUIET - (perf_counter() - quiet_since)
            if rest <= 0:
                return
            await asyncio.sleep(rest)


def is_computing(pid: int) -> bool:
    """Whether one of the process's threads is at work. Never, where there is no `/proc`."""
    try:
        return any(_state(file) in _STATES for file in Path(f"/proc/{pid}/task").glob("*/stat"))
    except OSError:
        return False


def _state(file: Path) -> bytes:
    # The name before it is in parentheses, and may contain some.
    return file.read_bytes().rpartition(b")")[2].split()[0]
