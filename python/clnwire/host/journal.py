"""What a plugin has sent unasked, kept in order, and a way to wait for more of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Generic, Literal, TypeAlias, TypeVar, overload

from msgspec import Struct, json

T = TypeVar("T")

KEPT: Final = 100_000
"""Entries that a journal keeps at least: a plugin that floods the log must not fill the memory."""
KEPT_CHARACTERS: Final = 32 << 20
"""In the texts of a journal's entries: each of them may have megabytes."""


RemarkKind: TypeAlias = Literal[
    "", "reply", "topic", "line", "subscription", "native", "answer", "missed", "aborted"
]
"""What a remark is about: a reply that nobody waits for, a topic that was published but not
announced, a line for the log that is too long, a subscription that nothing can come of, a
method with the name of a command of a built-in plugin, an answer
that the daemon does not understand, commits that a `db_write` plugin has missed by leaving too
early, a stop that ended in an abort.
"""


class LogEntry(Struct, frozen=True):
    """A line for the daemon's log."""

    plugin: str
    """The name of the plugin that it is from, or is about."""
    level: str
    """`trace`, `debug`, `info`, `unusual` (alias `warn`) or `broken` (alias `error`)."""
    message: str
    kind: RemarkKind = ""
    """Of a remark of the daemon's own, for programs."""


class TopicEntry(Struct, frozen=True):
    """A notification that a plugin published."""

    plugin: str
    topic: str
    params: bytes
    """The payload's JSON text."""

    @property
    def payload(self) -> object:
        """The payload, decoded."""
        return json.decode(self.params)


def _size(entry: object) -> int:
    """About how much memory an entry's texts take."""
    if isinstance(entry, LogEntry):
        return len(entry.message)
    return len(entry.params) if isinstance(entry, TopicEntry) else 0


class Journal(Sequence[T], Generic[T]):
    """A growing record. Beyond twice `KEPT` entries, or twice `KEPT_CHARACTERS` in them, the oldest
    are forgotten."""

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
        """Records an entry, and wakes those who wait for one like it."""
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
        """How many have to go until at most `KEPT_CHARACTERS` are left; the last one stays."""
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
        """Nothing more will come: whoever waits gets the error."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)

    async def wait(self, wanted: Callable[[T], bool], timeout: float | None = 10.0) -> T:
        """The first entry, past or to come, for which `wanted` is true.

        Raises `TimeoutError` after `timeout` seconds, and `PluginDiedError` if the last plugin
        ends meanwhile.
        """
        for entry in self._entries:
            if wanted(entry):
                return entry
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = wanted
        try:
            return await asyncio.wait_for(waiter, timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(f"nothing like it came within {timeout} s") from None
        finally:
            del self._waiters[waiter]
