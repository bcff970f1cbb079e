"""Records of log lines, notifications and calls, in order, with a way to wait for an entry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar, overload

from msgspec import Struct, json

if TYPE_CHECKING:
    from clnwire.host.errors import PluginDiedError

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


class Call(Struct, frozen=True):
    """A call over the daemon's socket."""

    method: str
    params_text: bytes
    """The params' JSON text."""
    id_text: bytes

    @property
    def params(self) -> Any:
        """The decoded params: a dict, or a list if they were given by position."""
        return json.decode(self.params_text)

    @property
    def id(self) -> Any:
        """The caller's, decoded. clnwire puts the id of the request it handles in front."""
        return json.decode(self.id_text)


def _size(entry: object) -> int:
    """The approximate size of an entry's text."""
    if isinstance(entry, LogEntry):
        return len(entry.message)
    if isinstance(entry, Call):
        return len(entry.params_text)
    return len(entry.params) if isinstance(entry, TopicEntry) else 0


class Journal(Sequence[T], Generic[T]):
    """A sequence of entries, oldest first.

    Above `2 * KEPT` entries or a text size of `2 * KEPT_CHARACTERS`, the oldest entries are dropped
    until at most `KEPT` and `KEPT_CHARACTERS` are left.
    """

    def __init__(self) -> None:
        self.ended: PluginDiedError | None = None
        """Why no entry can follow; `None` while one can."""
        self._size = self._forgotten = 0
        self._entries: list[T] = []
        self._taken: set[int] = set()
        """The entries that `wait` has returned, counted from the first ever."""
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
        """Records an entry, and gives it to the first wait that it satisfies."""
        for waiter, wanted in list(self._waiters.items()):
            if not waiter.done() and wanted(entry):
                self._taken.add(self._forgotten + len(self._entries))
                waiter.set_result(entry)
                break
        self._entries.append(entry)
        self._size += _size(entry)
        if len(self._entries) > 2 * KEPT or self._size > 2 * KEPT_CHARACTERS:
            self._trim()

    def _trim(self) -> None:
        """Drops the oldest entries. Always keeps the last one."""
        number = KEPT if len(self._entries) > 2 * KEPT else 0
        self._size -= sum(map(_size, self._entries[:number]))
        while self._size > KEPT_CHARACTERS and number < len(self._entries) - 1:
            self._size -= _size(self._entries[number])
            number += 1
        del self._entries[:number]
        self._forgotten += number
        self._taken = {place for place in self._taken if place >= self._forgotten}

    def end(self, error: PluginDiedError) -> None:
        """Has `wait` raise `error` instead of waiting, because no entry will follow."""
        self.ended = error
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)

    async def wait(self, wanted: Callable[[T], bool], timeout: float | None = 10.0) -> T:
        """The first entry for which `wanted` is true and that `wait` has not returned before.

        Waits for one if none is recorded. Raises `TimeoutError` after `timeout` seconds, and
        `PluginDiedError` at once if the plugin that would write it has ended.
        """
        for place, entry in enumerate(self._entries, self._forgotten):
            if place not in self._taken and wanted(entry):
                self._taken.add(place)
                return entry
        if self.ended is not None:
            raise self.ended
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = wanted
        try:
            return await asyncio.wait_for(waiter, timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(f"no matching entry within {timeout} s") from None
        finally:
            del self._waiters[waiter]
