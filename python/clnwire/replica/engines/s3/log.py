"""The log: entries under numbered keys, each written once and on the condition that it is new."""

from __future__ import annotations

from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import msgspec

from clnwire._wire.codec import UNDECODABLE
from clnwire.replica.errors import RefusedError, ReplicaError, UnavailableError
from clnwire.replica.records import Head, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from obstore import ObjectMeta

    from clnwire.replica.engines.s3.bucket import Bucket
    from clnwire.replica.records import Base

_Stored = TypeVar("_Stored", bound="Stored")
FORMAT: Final = 1
SMALL: Final = 1024
"""Entries of beginnings and take-overs are smaller than this."""
_PREFIX: Final = "log/"
_READERS: Final = 16
_WINDOW: Final = 64


class Stored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is stored as JSON, in an object or in the first line of one."""

    format: int = FORMAT


class _Title(Stored, frozen=True, kw_only=True, omit_defaults=True):
    """The first line of an entry. The payload of a set follows it."""

    kind: Literal["begin", "take-over", "set"]
    node: str
    generation: int
    epoch: int
    owner: str
    sequence: int
    chain: str
    """32 bytes in hexadecimal digits."""
    foreign_keys: bool = False
    """Of a set."""
    base: str = ""
    """The token of the base with which a generation begins."""


class Entry(msgspec.Struct, frozen=True):
    """An entry, as read."""

    title: _Title
    payload: bytes

    @property
    def head(self) -> Head:
        """The head after it."""
        of = self.title
        chain = bytes.fromhex(of.chain)
        return Head(of.node, of.generation, of.epoch, of.owner, of.sequence, chain)

    @property
    def record(self) -> Record | None:
        """The set, if it is one."""
        title = self.title
        if title.kind != "set":
            return None
        chain = bytes.fromhex(title.chain)
        return Record(title.sequence, title.epoch, title.foreign_keys, self.payload, chain)


def encoded(
    kind: Literal["begin", "take-over", "set"],
    head: Head,
    record: Record | None = None,
    base: str = "",
) -> bytes:
    """An entry, after which `head` is the head. A beginning names its `base`."""
    foreign_keys, payload = (record.foreign_keys, record.payload) if record else (False, b"")
    title = _Title(kind=kind, foreign_keys=foreign_keys, base=base, **in_hex(head))
    return b"\n".join((msgspec.json.encode(title), payload))


def decoded(bucket: Bucket, what: str, data: bytes, kind: type[_Stored]) -> _Stored:
    """What is stored, unless it is damaged or of a newer clnwire."""
    try:
        found = msgspec.json.decode(data, type=kind)
    except UNDECODABLE as error:
        raise ReplicaError(f"{bucket.name}: {what} is damaged: {error}") from error
    if found.format > FORMAT:
        raise RefusedError(f"{bucket.name}: {what} is of a newer clnwire; install that")
    return found


def in_hex(struct: Head | Base) -> dict[str, Any]:
    """The members, those of bytes in hexadecimal digits."""
    members = msgspec.structs.asdict(struct).items()
    return {name: each.hex() if isinstance(each, bytes) else each for name, each in members}


class Log:
    """The entries of one node, numbered from 1."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def read(self, index: int) -> Entry | None:
        """An entry; `None` if it is not there."""
        data = self._bucket.get(_key(index))
        if data is None:
            return None
        line, _, payload = data.partition(b"\n")
        return Entry(decoded(self._bucket, _shown(index), line, _Title), payload)

    def write(self, index: int, data: bytes) -> bool:
        """Writes the entry after the last one; false if another one is there, or after it.

        Raises:
            UnavailableError: It is unknown whether it is there. Write the same again.
        """
        key = _key(index)
        if self._bucket.create(key, data):
            return True
        there = self._bucket.get(key)
        if there is None:
            raise UnavailableError(
                f"{self._bucket.name}: {_shown(index)} is being written by another request"
            )
        return there == data and not self._bucket.has(_key(index + 1))

    def last(self, index: int, holds: Callable[[int], bool] | None = None) -> int:
        """The last entry for which something holds, which it does for that at `index`.

        By default that it is there.
        """
        holds = holds or (lambda each: self._bucket.has(_key(each)))
        low, step = index, 1
        while holds(low + step):
            low, step = low + step, step * 2
        return low + bisect_left(range(low + 1, low + step), True, key=lambda each: not holds(each))

    def last_until(self, index: int, place: tuple[int, int]) -> int:
        """The last entry that is not after a generation and sequence, as that at `index` is not.

        Later entries never have lesser ones.
        """

        def holds(each: int) -> bool:
            entry = self.read(each)
            return entry is not None and entry.head.place <= place

        return self.last(index, holds)

    def indexes_after(self, index: int, count: int = 3) -> list[int]:
        """The first entries after one, whether or not that is there."""
        after = _key(index) if index > 0 else None
        return [_index(each["path"]) for each in islice(self._bucket.list(_PREFIX, after), count)]

    def check_end(self, index: int) -> None:
        """Checks that nothing is stored after an entry that is missing."""
        found = self.indexes_after(index - 1, 1)
        if found and found[0] > index:
            raise ReplicaError(
                f"{self._bucket.name}: {_shown(index)} is missing, though entry {found[0]} is "
                "there; it was pruned meanwhile, or the store has lost it. Try again, then another "
                "base"
            )

    def read_on(self, index: int) -> Iterator[Entry]:
        """The entries from one on, until the last. Several are requested at a time."""
        window = 4
        with ThreadPoolExecutor(_READERS) as pool:
            while True:
                window = min(window * 2, _WINDOW)
                for entry in pool.map(self.read, range(index, index + window)):
                    if entry is None:
                        self.check_end(index)
                        return
                    yield entry
                    index += 1

    def prune(self, before: int, young: timedelta) -> None:
        """Removes the sets before an entry, except those that were `young` when it was written.

        What is kept is what a writer that is not in doubt may try to write.
        """
        found = list(
            takewhile(lambda each: _index(each["path"]) <= before, self._bucket.list(_PREFIX))
        )
        if not found:
            return
        until = found[-1]["last_modified"] - young
        old = [each for each in found[:-1] if each["last_modified"] <= until]
        self._bucket.delete([each["path"] for each in old if self._is_set(each)])

    def _is_set(self, found: ObjectMeta) -> bool:
        if found["size"] >= SMALL:
            return True
        entry = self.read(_index(found["path"]))
        return entry is not None and entry.title.kind == "set"


def _key(index: int) -> str:
    # Numbers of equal length sort by their keys.
    return f"{_PREFIX}{index:020}"


def _shown(index: int) -> str:
    return f"entry {index} of the log"


def _index(key: str) -> int:
    return int(key.rpartition("/")[2])
