"""A local journal that takes the sets while the engine cannot be reached (`when-down`).

It keeps the node alive for limited minutes, at a price: until the engine has these sets too, they
are on this machine alone. The engine gets them in order as soon as it answers, in this run or at
the next start, and only if nobody else has written since.
"""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire._wire.codec import UNDECODABLE
from clnwire.journal import Journal, JournalError, read
from clnwire.replica.errors import FencedError, RefusedError, ReplicaError, UnavailableError
from clnwire.replica.files import sync, write_synced
from clnwire.replica.opening import new_engine
from clnwire.replica.records import Head, Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from clnwire.replica.engines import Engine
    from clnwire.replica.settings import ReplicaSettings

_PAUSE: Final = 1.0
_PENDING: Final = "pending"
_START: Final = "start.json"


class _Start(msgspec.Struct, frozen=True):
    """What the engine was expected to have when the journal began."""

    expected: Head
    sequence: int
    """The last set before the journal's first one."""
    chain: bytes


class Pending:
    """The sets that the engine still has to get."""

    def __init__(self, directory: Path) -> None:
        """`directory` is the one that the settings name."""
        self.path = directory / _PENDING

    def exists(self) -> bool:
        """Whether there are such sets."""
        return self.path.is_dir()

    def begin(self, expected: Head, sequence: int, chain: bytes) -> Journal:
        """Makes a journal after this set."""
        aside = self.path.with_name(f"{_PENDING}.new")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            aside.mkdir(0o700)
            start = msgspec.json.encode(_Start(expected, sequence, chain))
            write_synced(aside / _START, start)
            Journal.create(aside, sequence=sequence, chain=chain, segment_bytes=16 << 20).close()
            aside.rename(self.path)
            sync(self.path.parent)
            return Journal.open(self.path, segment_bytes=16 << 20)
        except (OSError, JournalError) as error:
            raise RefusedError(
                f"{self.path}: the journal cannot stand in for the engine: {error}"
            ) from error

    def store(self, engine: Engine) -> Head:
        """Has the engine store what it lacks, and returns the head then. May be repeated.

        Raises:
            UnavailableError: The engine cannot be reached.
            FencedError: Another instance has written, or the engine has lost sets.
        """
        start, records = self._read()
        head, expected = engine.head(), start.expected
        if (
            head is None
            or msgspec.structs.replace(expected, sequence=head.sequence, chain=head.chain) != head
        ):
            raise FencedError(
                f"{engine.name}: another instance has taken over while the journal stood in; the "
                f"sets that only this node has are in {self.path}"
            )
        if head.sequence < start.sequence:
            raise FencedError(
                f"{engine.name}: has lost sets that it had, so those in {self.path} do not follow"
            )
        before = start.chain
        for record in records[:-1]:
            before = record.chain
            if record.sequence >= head.sequence and record.chain != head.chain:
                head = engine.append(head, record)
        for record in records[-1:]:
            place = msgspec.structs.replace(expected, sequence=record.sequence - 1, chain=before)
            # What is there may not be durable yet, and a new write proves it.
            head = engine.settle(place if record.chain == head.chain else head, record)
        return head

    def _read(self) -> tuple[_Start, list[Record]]:
        try:
            start = msgspec.json.decode((self.path / _START).read_bytes(), type=_Start)
            return start, [Record(*record) for record in read(self.path, start.sequence)]
        except (OSError, JournalError, *UNDECODABLE) as error:
            raise ReplicaError(f"{self.path}: is damaged: {error}") from error

    def remove(self) -> None:
        """Removes the sets, which the engine has now."""
        done = self.path.with_name(f"{_PENDING}.done")
        # A run that was killed here has left it.
        shutil.rmtree(done, ignore_errors=True)
        self.path.rename(done)
        sync(done.parent)
        shutil.rmtree(done, ignore_errors=True)

    def set_aside(self) -> Path:
        """Keeps the sets under another name, so that they do not count any more."""
        target = self.path.with_name(f"{_PENDING}-{time.time_ns()}")
        self.path.rename(target)
        return target


def store_pending(settings: ReplicaSettings) -> None:
    """Has the engine store what the journal has taken in a run that has ended, if there is such.

    Raises:
        UnavailableError: The engine cannot be reached, or another instance runs.
        ReplicaError: The node still runs, or these sets do not follow what the engine has.
    """
    if settings.journal is None or not (pending := Pending(settings.journal)).exists():
        return
    engine = new_engine(settings, writes=True)
    try:
        # Its lock shows that no run adds sets meanwhile.
        with closing(Journal.open(pending.path)):
            engine.open()
            pending.store(engine)
    except JournalError as error:
        raise ReplicaError(f"{pending.path}: {error}") from error
    except FencedError as error:
        raise ReplicaError(
            f"{error}. To restore what the engine has without them, move {pending.path} away"
        ) from error
    finally:
        engine.close()
    pending.remove()


class StandIn:
    """A run of the journal. While it lasts, a thread of its own uses the engine."""

    def __init__(
        self,
        directory: Path,
        engine: Engine,
        place: tuple[Head, int, bytes],
        on_lost: Callable[[str], object],
    ) -> None:
        """Begins the journal, and the attempts to reach the engine.

        `place` is the head that the engine was expected to have, and sequence and chain before the
        first set. `on_lost` is called by the thread, with the reason, if another instance has taken
        over.
        """
        self.began = time.monotonic()
        self._pending, self._engine, self._on_lost = Pending(directory), engine, on_lost
        self._journal = self._pending.begin(*place)
        self._ended = threading.Event()
        self._try_to_reach()

    def _try_to_reach(self) -> None:
        self.can_end = False
        """Whether the engine answers, and has nearly all sets."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="clnwire-stand-in", daemon=True)
        self._thread.start()

    def append(self, expected: Head, record: Record) -> Head:
        """As `Engine.append`."""
        try:
            self._journal.append(record.sequence, record.epoch, record.foreign_keys, record.payload)
        except (OSError, JournalError) as error:
            raise RefusedError(f"the journal that stands in for the engine: {error}") from error
        return msgspec.structs.replace(expected, sequence=record.sequence, chain=record.chain)

    def end(self) -> Head:
        """Has the engine store what it still lacks, and removes the journal.

        Raises as `Pending.store`. After `UnavailableError` the journal goes on.
        """
        self._ended.set()
        self._thread.join()
        try:
            head = self._pending.store(self._engine)
        except UnavailableError:
            self._try_to_reach()
            raise
        self._journal.close()
        self._pending.remove()
        return head

    def close(self) -> None:
        """Stops, and keeps the sets for the next start."""
        self._ended.set()
        self._thread.join(_PAUSE)
        self._journal.close()

    def _work(self) -> None:
        while not self._ended.wait(_PAUSE) and not self.can_end:
            try:
                self._engine.close()
                self._engine.open()
                self._pending.store(self._engine)
                # The node's next set ends the journal.
                self.can_end = True
            except UnavailableError:
                pass
            except ReplicaError as error:
                self._on_lost(str(error))
                return
