"""Follows a replica on another machine: has its database ready, makes new bases, prunes.

```
DIRECTORY/following.sqlite3    the node's database, some sets behind
DIRECTORY/following.json       which history it is of
```

The database says by its `data_version` how far it is, so that following goes on after a crash where
it was. It never has the newest set, which the node may not have committed.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire._wire.codec import UNDECODABLE
from clnwire.replica import snapshot
from clnwire.replica.applying import Applier
from clnwire.replica.compacting import prune, store_base
from clnwire.replica.errors import RefusedError, ReplicaError, UnavailableError
from clnwire.replica.files import write_synced
from clnwire.replica.opening import new_engine
from clnwire.replica.reading import Point, Reader, chain_at
from clnwire.replica.records import VERSIONS, Base, Head
from clnwire.replica.rules import sets_ahead
from clnwire.replica.sealing import sealing_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from threading import Event

    from clnwire.replica.engines import Engine
    from clnwire.replica.settings import ReplicaSettings

POLL_SECONDS: Final = 1.0
"""How often the engine is asked for new sets."""
_SETS_AT_ONCE: Final = 1_000
"""After so many sets it is looked whether a base is due."""


class _History(msgspec.Struct):
    """What `following.json` says."""

    node: str
    generation: int
    sequence: int
    """Where it began, or was not long ago."""
    chain: bytes
    """The chain's value there. The same numbers may come again with other sets."""
    bytes_since_base: int
    """Bytes of sets that were executed since the last base."""


class Follower:
    """One node's replica, followed in a directory."""

    def __init__(
        self,
        settings: ReplicaSettings,
        directory: Path,
        log: Callable[[str], object] = lambda _text: None,
    ) -> None:
        """Connects to nothing yet.

        Files are in `directory`, which is made if it does not exist. `log` gets what was done.
        """
        self._settings, self._directory, self._log = settings, directory, log
        self._engine: Engine = new_engine(settings, writes=False)
        self._reader = Reader(self._engine, sealing_of(settings))
        self.database = directory / "following.sqlite3"
        """The node's database, as it was some sets ago. Open it only after `close`."""
        self._path = directory / "following.json"
        self._history = _History("", 0, 0, b"", 0)

    def follow(self, ended: Event) -> None:
        """Follows until `ended` is set. Waits while the engine is unavailable.

        Raises:
            ReplicaError: What the engine has is damaged, or it must not be used.
        """
        unavailable, failed = "", False
        while True:
            try:
                self.catch_up()
                unavailable, failed = "", False
            except UnavailableError as error:
                if str(error) != unavailable:
                    unavailable = str(error)
                    self._log(f"waiting for the engine: {error}")
            except ReplicaError as error:
                # Another one may have removed what was read, since there is something newer.
                if failed or isinstance(error, RefusedError):
                    raise
                failed = True
            if ended.wait(POLL_SECONDS):
                return

    def catch_up(self) -> int:
        """Executes the sets that are certainly committed, and makes bases that are due.

        Returns the sequence of the last one.

        Raises:
            UnavailableError: The engine does not answer. Call it again.
            ReplicaError: As `follow`.
        """
        self._engine.open()
        head = self._engine.head()
        if head is None:
            raise UnavailableError(
                f"{self._engine.name}: nothing of the node {self._engine.node!r} is stored yet"
            )
        while True:
            sequence = self._resume(head)
            # Only the next set shows that the node has committed this one.
            until = min(head.sequence - 1, sequence + _SETS_AT_ONCE)
            if until <= sequence:
                return sequence
            epoch = self._apply(head.generation, sequence, until)
            if self._history.bytes_since_base >= self._settings.snapshot_interval:
                self._make_base(until, epoch)

    def close(self) -> None:
        """Disconnects. May be called twice."""
        self._engine.close()

    # Where to go on

    def _resume(self, head: Head) -> int:
        """The sequence of the database, which is made if there is none that sets can follow."""
        if not self._history.node:
            self._read_history()
        bases = [each for each in self._engine.bases() if each.generation == head.generation]
        if not bases:
            raise ReplicaError(
                f"{self._engine.name}: generation {head.generation} of node {head.node} has no base"
            )
        # What was pruned cannot be compared.
        if self._history.sequence >= bases[0].sequence and self._is_of(head):
            with (
                snapshot.readable(self.database),
                closing(sqlite3.connect(self.database)) as database,
            ):
                version = snapshot.data_version(database)
            # A power failure may have taken the last sets from it, and a crash its last note.
            sequence = self._history.sequence + sets_ahead(version, self._history.sequence)
            # Older sets were pruned.
            if sequence >= bases[0].sequence:
                return sequence
        return self._start_at(bases[-1])

    def _is_of(self, head: Head) -> bool:
        of = self._history
        return (
            (of.node, of.generation) == (head.node, head.generation)
            and chain_at(self._engine, of.generation, of.sequence) == of.chain
            and self.database.exists()
        )

    def _start_at(self, base: Base) -> int:
        """Begins with a base."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Without it, what is left of the database does not count.
        self._path.unlink(missing_ok=True)
        self._history.node = ""
        snapshot.remove(self.database)
        self._reader.read_base(base, self.database, _no_steps)
        self._log(f"begins with the base at set {base.sequence}, generation {base.generation}")
        self._history = _History(self._engine.node, *base.place, base.chain, 0)
        self._write_history()
        return base.sequence

    # Executing sets

    def _apply(self, generation: int, after: int, until: int) -> int:
        """Executes sets, and returns the epoch of the last."""
        size, last = 0, None
        chain: bytes | None = self._history.chain
        if after != self._history.sequence:
            chain = chain_at(self._engine, generation, after)
        with Applier(self.database, keep=True) as applier:
            for record in self._engine.records(generation, after, until, chain):
                params = self._reader.opened(generation, record).payload
                applier.apply(record.sequence, params, foreign_keys=record.foreign_keys)
                size, last = size + len(record.payload), record
        if last is None or last.sequence != until:
            raise UnavailableError(
                f"{self._engine.name}: the sets after {after} were removed meanwhile"
            )
        self._history.sequence, self._history.chain = until, last.chain
        self._history.bytes_since_base += size
        self._write_history()
        return last.epoch

    # Bases

    def _make_base(self, sequence: int, epoch: int) -> None:
        """Stores the database as a base, and removes what is older than those to keep."""
        copy, point = self._directory / ".following.copy", Point(self._history.generation, sequence)
        try:
            self._copy(copy, sequence)
            store_base(self._reader, copy, point, epoch, self._history.chain, _no_steps)
        finally:
            snapshot.remove(copy)
        self._history.bytes_since_base = 0
        self._write_history()
        self._log(f"stored a base at set {sequence}")
        prune(self._engine, self._settings.snapshot_retention)

    def _copy(self, target: Path, sequence: int) -> None:
        """Copies the pages, since row ids matter, and checks them."""
        target.unlink(missing_ok=True)
        target.touch(0o600)
        with (
            snapshot.readable(target),
            closing(sqlite3.connect(self.database)) as source,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            source.backup(copy)
            snapshot.check(copy, sequence % VERSIONS)

    # Files

    def _read_history(self) -> None:
        with suppress(FileNotFoundError, *UNDECODABLE):
            self._history = msgspec.json.decode(self._path.read_bytes(), type=_History)

    def _write_history(self) -> None:
        write_synced(self._path, msgspec.json.encode(self._history))


def _no_steps(_what: str, _done: int, _total: int) -> None:
    pass
