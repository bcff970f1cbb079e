"""The lease: one instance of a node at a time, judged by the server's clock.

Fencing alone keeps two instances from committing, but an idle one would go on answering peers with
an old state. So a start waits while another instance lives, and an instance that has lost the lease
has to end.
"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.replica.engines.remote import Watch, boot_seconds
from clnwire.replica.errors import FencedError, ReplicaError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire.replica.engines.postgresql.session import Session

_TAKE: Final = """
INSERT INTO clnwire.leases AS held
VALUES (%(node)s, %(machine)s, %(boot)s, %(process)s, %(token)s, %(seconds)s, clock_timestamp())
ON CONFLICT (node) DO UPDATE SET machine = excluded.machine, boot = excluded.boot,
process = excluded.process, token = excluded.token, seconds = excluded.seconds,
renewed = excluded.renewed
WHERE held.token = %(known)s
OR held.renewed + make_interval(secs => held.seconds) < clock_timestamp()
RETURNING 1
"""
_RENEW: Final = """
UPDATE clnwire.leases SET token = %(token)s, renewed = clock_timestamp()
WHERE node = %(node)s AND token = ANY(%(known)s) RETURNING 1
"""
_RELEASE: Final = "DELETE FROM clnwire.leases WHERE node = %(node)s AND token = ANY(%(known)s)"
_HELD: Final = """
SELECT machine, boot, process, token, extract(epoch FROM
    renewed + make_interval(secs => seconds) - clock_timestamp())::float8
FROM clnwire.leases WHERE node = %(node)s
"""
_RENEWALS: Final = 4
"""How often the lease is renewed in its length."""


class Instance(msgspec.Struct, frozen=True):
    """Which process this is. Nothing of it is in a file that a copy of a directory contains."""

    machine: str
    """The machine's identity, and that of the container."""
    boot: str
    """Which start of the machine."""
    process: str
    """The process's number, and when it began."""

    @classmethod
    def this(cls) -> Instance:
        """The running process."""
        machine = _read("/etc/machine-id") or os.uname().nodename
        # Numbers of processes mean something within their namespace only.
        namespace = str(Path("/proc/self/ns/pid").readlink()) if _LINUX else ""
        boot = _read("/proc/sys/kernel/random/boot_id")
        return cls(f"{machine} {namespace}", boot, process_of(os.getpid()) or str(os.getpid()))

    def is_gone(self) -> bool:
        """Whether it has certainly ended; another machine's never has."""
        here = Instance.this()
        if not _LINUX or self.machine != here.machine or self.process == here.process:
            return False
        number = int(self.process.split()[0])
        return self.boot != here.boot or process_of(number) != self.process


class Lease:
    """One instance's claim to run. While it is held, a thread renews it."""

    def __init__(
        self,
        session: Session,
        node: str,
        seconds: float,
        on_lost: Callable[[str], object] | None = None,
    ) -> None:
        """Claims nothing yet.

        Nothing else may use the session. The claim lasts for so many seconds after it was last
        renewed. `on_lost` is called in a thread, with the reason, when this instance has to end.
        """
        self._session = session
        self._node = node
        self._seconds = seconds
        self._on_lost = on_lost
        self._tokens: list[str] = []
        """The token that is stored; more than one while it is unknown which."""
        self._until = 0.0
        self._watch: Watch | None = None
        self._lock = threading.Lock()
        """Held while the connection is used."""

    def acquire(self) -> None:
        """Takes the lease if it is free, has run out, or its holder is gone.

        Raises:
            UnavailableError: Another instance holds it, or the server does not answer. Retry.
            RefusedError: The server refuses.
        """
        with self._lock:
            self._take()
        if self._watch is None:
            self._watch = Watch(self.renew, self._seconds / _RENEWALS, self._on_lost)

    def _take(self) -> None:
        found = self._session.execute(_HELD, {"node": self._node})
        known, left, holder = "", 0.0, None
        if found:
            *identity, token, left = found[0]
            holder = Instance(*identity)
            # This process may have lost its connection before it could release the lease.
            known = token if holder == Instance.this() or holder.is_gone() else ""
        token, began = self._new_token(), boot_seconds()
        values = msgspec.structs.asdict(Instance.this())
        values |= {"node": self._node, "token": token, "seconds": self._seconds, "known": known}
        if not self._session.execute(_TAKE, values):
            where = "" if holder is None else f" on {holder.machine}, process {holder.process}"
            raise UnavailableError(
                f"{self._session.name}: another instance of node {self._node} runs{where}; it "
                f"was alive {max(0.0, self._seconds - left):.0f} s ago. Stop it, or wait "
                f"{max(0.0, left):.0f} s"
            )
        self._tokens, self._until = [token], began + self._seconds

    def renew(self) -> None:
        """Prolongs the lease.

        Raises:
            FencedError: Another instance has it, or may have it since it ran out: this one must
                end.
            UnavailableError: The server does not answer, and the lease has not run out yet.
        """
        with self._lock:
            token, began = self._new_token(), boot_seconds()
            values = {"node": self._node, "token": token, "known": self._tokens[:-1]}
            try:
                renewed = self._session.execute(_RENEW, values)
            except UnavailableError as error:
                # The next try may take as long as this one, and must not end too late.
                now = boot_seconds()
                if now + (now - began) < self._until:
                    raise
                raise FencedError(
                    f"the lease of node {self._node} ran out after {self._seconds:g} s without "
                    f"the server, so another instance may run: {error}"
                ) from None
            if not renewed:
                raise FencedError(
                    f"{self._session.name}: another instance of node {self._node} has the lease; "
                    "stop one of them"
                )
            self._tokens, self._until = [token], began + self._seconds

    def release(self) -> None:
        """Gives the lease up, so that the next start need not wait. May be called twice.

        If the server does not answer now, the lease runs out by itself.
        """
        watch, self._watch = self._watch, None
        if watch is None:
            return
        watch.stop()
        # A thread that still waits for the server ends with its answer.
        if self._lock.acquire(blocking=False):
            with suppress(ReplicaError):
                if self._session.is_connected:
                    self._session.execute(_RELEASE, {"node": self._node, "known": self._tokens})
            self._session.close()
            self._tokens, self._until = [], 0.0
            self._lock.release()

    def _new_token(self) -> str:
        """A token that counts as ours from now on, since the answer may be lost."""
        token = secrets.token_hex(16)
        self._tokens.append(token)
        return token


_LINUX: Final = Path("/proc/self/stat").exists()


def process_of(number: int) -> str:
    """A process's number and its start in clock ticks; empty if there is none that runs."""
    # The name, in parentheses, may have spaces. The state is the 3rd field, the start the 22nd.
    fields = _read(f"/proc/{number}/stat").rpartition(")")[2].split()
    return f"{number} {fields[19]}" if fields and fields[0] not in "ZX" else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
