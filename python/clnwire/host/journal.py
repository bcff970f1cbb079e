"""Records of plugins' log lines and notifications, in order, with a way to wait for an entry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Generic, Literal, TypeAlias, TypeVar, overload

from msgspec import Struct, json

T = TypeVar("T")

KEPT: Final = 100_000
"""The number of entries left after trimming; bounds memory if a plugin floods the log."""
KEPT_CHARACTERS: Final = 32 << 20
"""The total text size left after trimming; one entry may have megabytes."""


RemarkKind: TypeAlias = Literal[
    "", "reply", "topic", "line", "subscription", "native", "answer", "missed", "aborted"
]
"""What a remark is about.

- `reply`: a reply to no pending request.
- `topic`: a notification whose topic is not in the plugin's manifest.
- `line`: a log line that is too long.
- `subscription`: a subscription to an unknown topic.
- `native`: a method with the name of a built-in plugin's command.
- `answer`: an answer that the daemon does not understand.
- `missed`: commits that a `db_write` plugin missed because it ended too early.
- `aborted`: the daemon aborted while stopping.
- empty: anything else.
"""


class LogEntry(Struct, frozen=True):
    """A line for the daemon's log."""

    plugin: str
    """The plugin that wrote the line, or that a remark is about; empty for the daemon itself."""
    level: str
    """`trace`, `debug`, `info`, `unusual` (alias `warn`) or `broken` (alias `error`)."""
    message: str
    kind: RemarkKind = ""
    """The kind of a remark; empty for a plugin's own line."""


class TopicEntry(Struct, frozen=True):
    """A notification published by a plugin."""

    plugin: str
    topic: str
    params: bytes
    """The payload's JSON text."""

    @property
    def payload(self) -> object:
        """The decoded payload."""
        return json.decode(self.params)


def _size(entry: object) -> int:
    """The approximate size of an entry's text."""
    if isinstance(entry, LogEntry):
        return len(entry.message)
    return len(entry.params) if isinstance(entry, TopicEntry) else 0


class Journal(Sequence[T], Generic[T]):
    """A sequence of entries, oldest first.

    Above `2 * KEPT` entries or a text size of `2 * KEPT_CHARACTERS`, the oldest entries are dropped
    until `KEPT` or `KEPT_CHARACTERS` are left.
    """

    def __init__(self) -> None:
        self._size = 0
        self._entries: list[T] = []
        self._waiters: dict[asyncio.Future[T], Callable[[T], bool]] = {}

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<Journal {self._entries!r}>"

    def add(self, entry: T) -> None:
        """Records an entry and resolves the waits that it satisfies."""
        self._entries.append(entry)
        self._size += _size(entry)
        if len(self._entries) > 2 * KEPT:
            self._forget(KEPT)
        if self._size > 2 * KEPT_CHARACTERS:
            self._forget(self._oldest())
        for waiter, wanted in list(self._waiters.items()):
            if not waiter.done() and wanted(entry):
                waiter.set_result(entry)

    def _oldest(self) -> int:
        """How many entries to drop to get to `KEPT_CHARACTERS`. Always keeps the last entry."""
        size = self._size
        for number, entry in enumerate(self._entries[:-1]):
            if size <= KEPT_CHARACTERS:
                return number
            size -= _size(entry)
        return len(self._entries) - 1

    def _forget(self, number: int) -> None:
        self._size -= sum(map(_size, self._entries[:number]))
        del self._entries[:number]

    def fail(self, error: Exception) -> None:
        """Raises `error` in all pending calls of `wait`, because no entry will follow."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)

    async def wait(self, wanted: Callable[[T], bool], timeout: float | None = 10.0) -> T:
        """The first entry for which `wanted` is true. Waits for one if none is recorded.

        Raises `TimeoutError` after `timeout` seconds, and `PluginDiedError` if the last running
        plugin ends while waiting.
        """
        for entry in self._entries:
            if wanted(entry):
                return entry
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = wanted
        try:
            return await asyncio.wait_for(waiter, timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(f"no matching entry within {timeout} s") from None
        finally:
            del self._waiters[waiter]
