"""What the engines on other machines have in common: fencing, and a thread that watches."""

from __future__ import annotations

import ipaddress
import threading
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.replica.engines import Engine
from clnwire.replica.errors import FencedError, RefusedError, ReplicaError, UnavailableError
from clnwire.replica.records import Base

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from clnwire.replica.files import Progress
    from clnwire.replica.records import Head, Record

RETRY_SECONDS: Final = 1.0


class RemoteEngine(Engine):
    """An engine whose writes are conditional. See `Engine` for what the methods promise."""

    store: str
    """What it is, in one word."""

    def begin(self, expected: Head | None, head: Head, base: Path, progress: Progress) -> Base:
        found = self.head()
        if found == head:
            self._confirm(head)
            return next(each for each in self.bases() if each.place == head.place)
        if found != expected:
            raise self._refusal(expected, found)
        size, now = base.stat().st_size, time.time()
        stored = Base(*head.place, head.epoch, head.chain, size, head.chain, now)
        return self._begin(expected, head, stored, base, progress)

    @abstractmethod
    def _confirm(self, head: Head) -> None:
        """Makes certain that a head that was found is durable."""

    @abstractmethod
    def _begin(
        self, expected: Head | None, head: Head, base: Base, file: Path, progress: Progress
    ) -> Base:
        """As `begin`, once `expected` was found."""

    def append(self, expected: Head, record: Record) -> Head:
        head = msgspec.structs.replace(expected, sequence=record.sequence, chain=record.chain)
        self._append(expected, head, record)
        return head

    @abstractmethod
    def _append(self, expected: Head, head: Head, record: Record) -> None:
        """Stores a set, after which `head` is the head."""

    def add_base(self, base: Base, file: Path, progress: Progress) -> None:
        if not self._has(base) and not self._add_base(base, file, progress):
            raise ReplicaError(
                f"{self.name}: the base at {base.sequence} does not belong to a committed set of "
                f"generation {base.generation} of node {self.node}; make it anew"
            )

    def _has(self, base: Base) -> bool:
        return any(each.place == base.place for each in self.bases())

    @abstractmethod
    def _add_base(self, base: Base, file: Path, progress: Progress) -> bool:
        """Stores a base, if another set has proved that its set was committed."""

    def _refusal(self, expected: Head | None, found: Head | None) -> ReplicaError:
        """The error for a write that expected another head than the one that was found."""
        if expected is None or (found is not None and found.epoch > expected.epoch):
            return FencedError(
                f"{self.name}: another instance of node {self.node} has taken over "
                f"({shown(found)}); stop this one, or the other"
            )
        if found is None or found.sequence < expected.sequence or found.epoch < expected.epoch:
            return RefusedError(
                f"{self.name}: the {self.store} has lost sets of node {self.node}: it has "
                f"{shown(found)}, and had {shown(expected)}; start the node again, and it stores a "
                "new base"
            )
        return FencedError(
            f"{self.name}: a copy of this instance of node {self.node} writes at the same time: "
            f"the {self.store} has {shown(found)}, and this instance wrote {shown(expected)}; stop "
            "one"
        )


def shown(head: Head | None) -> str:
    """A head in words."""
    if head is None:
        return "nothing"
    return f"generation {head.generation}, epoch {head.epoch}, set {head.sequence}"


class Watch:
    """A thread that looks again and again whether this instance may go on."""

    def __init__(
        self, look: Callable[[], object], pause: float, on_lost: Callable[[str], object] | None
    ) -> None:
        """Starts it, with a pause of so many seconds from one look to the next.

        `look` raises `UnavailableError` if it is to look again soon, and another `ReplicaError` if
        this instance has to end. Then the thread calls `on_lost` with the reason.
        """
        self._look, self._pause, self._on_lost = look, pause, on_lost
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="clnwire-watch", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        pause = self._pause
        while not self._stopped.wait(pause):
            try:
                self._look()
                pause = self._pause
            except UnavailableError:
                pause = min(pause, RETRY_SECONDS)
            except ReplicaError as error:
                if self._on_lost is not None and not self._stopped.is_set():
                    self._on_lost(str(error))
                return

    def stop(self) -> None:
        """Has it end, and waits a moment for that; the thread itself may call this."""
        self._stopped.set()
        if self._thread is not threading.current_thread():
            self._thread.join(RETRY_SECONDS)


def boot_seconds() -> float:
    """Goes on while the machine sleeps, unlike `time.monotonic` on Linux."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
