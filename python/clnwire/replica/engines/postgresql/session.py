"""A connection on which a committed write is durable, and on which every wait is bounded."""

from __future__ import annotations

import logging
import select
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import psycopg
from psycopg.rows import TupleRow
from psycopg.waiting import Ready

from clnwire.replica.errors import RefusedError, ReplicaError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from psycopg.abc import PQGen

    from clnwire.replica.engines.postgresql.address import Address

ANSWER_SECONDS: Final = 10.0
"""How long the server may take for a statement and its COMMIT."""

# What it warns about is raised, too.
logging.getLogger("psycopg").setLevel(logging.ERROR)

_T = TypeVar("_T")
_EVENTS: Final = {1: select.POLLIN, 2: select.POLLOUT, 3: select.POLLIN | select.POLLOUT}
_UNAVAILABLE: Final = ("08", "25006", "40", "53", "55P03", "57", "58")
"""SQLSTATEs, or their classes, that may pass: broken connections, read-only servers, deadlocks, a
full disk, locks that others hold, shutdown, errors of the server's system."""
CHECKS: Final = """
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS standby_names,
    (SELECT count(*) FILTER (WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum'))
     FROM pg_catalog.pg_stat_get_wal_senders()) AS standbys,
    (SELECT count(*) FILTER (WHERE state IS NULL)
     FROM pg_catalog.pg_stat_get_wal_senders()) AS hidden
"""
"""The last columns of each write's row, which `Session.write` checks, so no change goes unseen."""
_CHECK_COLUMNS: Final = 6

Durability = Literal["single", "sync"]


class _TimedOutError(psycopg.OperationalError):
    """The server did not answer in time."""


class _Connection(psycopg.Connection[TupleRow]):
    """Bounds every wait. After one that took too long, the connection can only be closed.

    No time-out of the server bounds the wait of a COMMIT for a standby. Cancelling it would make
    the COMMIT succeed without the standby, so it must never be cancelled.
    """

    answer_seconds = ANSWER_SECONDS
    given_up = False

    def wait(self, gen: PQGen[_T], interval: float = 0.0, timeout: float | None = None) -> _T:
        if self.given_up:
            # A pipeline would end in order, and nothing may be sent any more.
            raise _TimedOutError("the connection was given up")
        deadline = time.monotonic() + self.answer_seconds
        poller = select.poll()
        try:
            wanted = next(gen)
            while True:
                poller.register(self.pgconn.socket, _EVENTS[wanted])
                # Milliseconds, rounded up.
                left = int((deadline - time.monotonic()) * 1000) + 1
                happened = poller.poll(left) if left > 0 else []
                if not happened:
                    raise _TimedOutError(f"no answer for {self.answer_seconds:g} s")
                wanted = gen.send(_ready(happened[0][1], wanted))
        except StopIteration as ended:
            result: _T = ended.value
            return result
        except (_TimedOutError, KeyboardInterrupt):
            self.given_up = True
            raise


def _ready(happened: int, wanted: int) -> Ready:
    """Errors and hang-ups make ready what is waited for; the next read or write reports them."""
    ready = (1 if happened & select.POLLIN else 0) | (2 if happened & select.POLLOUT else 0)
    return Ready(ready or wanted)


class Session:
    """One connection. It is made at the first statement, and anew after it was lost."""

    def __init__(
        self,
        address: Address,
        durability: Durability,
        answer_seconds: float = ANSWER_SECONDS,
        *,
        demanding: bool = True,
    ) -> None:
        """Connects to nothing yet.

        `durability` is what an acknowledgement has to mean; if `demanding`, a server that is less
        durable is refused even for reading.
        """
        self.name = address.name
        self._address = address
        self._durability: Durability = durability
        self._commit = "remote_apply" if durability == "sync" else "on"
        self._answer_seconds = answer_seconds
        self._demanding = demanding
        self._connection: _Connection | None = None
        self._notices: list[str] = []

    def connect(self) -> _Connection:
        """The connection; a new one is checked."""
        if self._connection is not None and self.is_connected:
            return self._connection
        self.close()
        try:
            connection = _Connection.connect(self._address.conninfo(), autocommit=True)
        except psycopg.Error as error:
            raise UnavailableError(f"{self.name}: {_one_line(str(error))}") from None
        connection.answer_seconds = self._answer_seconds
        connection.add_notice_handler(self._notice)
        self._connection = connection
        self._set_up()
        return connection

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that has not failed yet."""
        found = self._connection
        return found is not None and not found.closed and not found.given_up

    def close(self) -> None:
        """Ends the connection. What the server still does for it, it does unobserved."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def execute(self, statement: str, values: Mapping[str, object] | None = None) -> list[TupleRow]:
        """Executes a statement in a transaction of its own. All that was written is durable.

        Raises:
            UnavailableError: It is unknown whether it was executed, or is durable.
            RefusedError: The server refused it for a reason that does not pass.
        """
        cursor = self.connect().cursor(binary=True)
        with self._watched():
            cursor.execute(statement.encode(), values, prepare=True)
            return cursor.fetchall() if cursor.description is not None else []

    def write(self, statement: str, values: Mapping[str, object]) -> TupleRow | None:
        """Executes a conditional write; `None` if its condition does not hold.

        The last columns of the statement's row must be `CHECKS`.

        Raises:
            UnavailableError: As `execute`.
            RefusedError: As `execute`, or the write may be less durable than demanded.
        """
        if self._durability == "single":
            rows = self.execute(statement, values)
        else:
            rows = self._write_and_look(statement, values)
        if not rows:
            return None
        self.check(rows[0][-_CHECK_COLUMNS:])
        return rows[0][:-_CHECK_COLUMNS]

    def _write_and_look(self, statement: str, values: Mapping[str, object]) -> list[TupleRow]:
        """Writes, and looks in the same round trip whether there was a standby to the end.

        A COMMIT that waits for a standby succeeds silently when synchronous_standby_names is
        emptied. The server signals this connection before it ends the wait, so a statement after
        the COMMIT reads the new value.
        """
        connection = self.connect()
        writing, looking = connection.cursor(binary=True), connection.cursor(binary=True)
        with self._watched():
            with connection.pipeline() as pipeline:
                writing.execute(statement.encode(), values, prepare=True)
                pipeline.sync()
                looking.execute("SELECT current_setting('synchronous_standby_names')", prepare=True)
            rows = writing.fetchall()
            names = looking.fetchall()[0][0]
        if not names:
            raise self._no_standby("synchronous_standby_names was emptied during the write")
        return rows

    def check(self, found: TupleRow) -> None:
        """Refuses a server whose COMMIT promises less than is demanded."""
        fsync, pages, commit, names, standbys, hidden = found
        if fsync != "on":
            raise self._refused("fsync is off, so a power failure loses sets", "fsync = on")
        if pages != "on":
            raise self._refused(
                "full_page_writes is off, so a power failure can damage pages",
                "full_page_writes = on",
            )
        if commit != self._commit:
            raise self._refused(
                f"synchronous_commit of the connection is {commit} instead of {self._commit}",
                "nothing, and connect without a pool that mixes sessions",
            )
        if self._durability == "single":
            return
        if not names:
            raise self._no_standby("synchronous_standby_names is empty")
        if hidden:
            raise self._refused(
                "the user may not see pg_stat_replication, so whether there is a standby is "
                "unknown",
                "GRANT pg_monitor TO the user",
            )
        if not standbys:
            raise self._no_standby(f"none of synchronous_standby_names ({names}) is connected")

    def _set_up(self) -> None:
        """Sets what the server's files, the database or the user may have set otherwise."""
        milliseconds = f"{int(self._answer_seconds * 1000)}ms"
        settings = {
            "synchronous_commit": self._commit,
            # The warning that a COMMIT did not wait for the standby must arrive.
            "client_min_messages": "warning",
            "default_transaction_isolation": "read committed",
            # These bound what the server does for a connection that is lost.
            "lock_timeout": milliseconds,
            "statement_timeout": milliseconds,
            "idle_session_timeout": "0",
            "search_path": "pg_catalog",
        }
        calls = ", ".join(f"set_config('{key}', %({key})s, false)" for key in settings)
        self.execute(f"SELECT {calls}", settings)
        if not self._demanding:
            return
        try:
            self.check(self.execute(f"SELECT {CHECKS}")[0])
        except ReplicaError:
            self.close()
            raise

    def _notice(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        self._notices.append(f"{diagnostic.sqlstate}: {diagnostic.message_primary}")

    @contextmanager
    def _watched(self) -> Generator[None, None, None]:
        """Translates errors, and raises what the server warns of."""
        self._notices.clear()
        try:
            yield
        except psycopg.Error as error:
            raise self._translated(error) from None
        if self._notices:
            self.close()
            raise UnavailableError(
                f"{self.name}: unknown whether it is durable, since the server says "
                f"{_one_line('; '.join(self._notices))}"
            )

    def _translated(self, error: psycopg.Error) -> ReplicaError:
        """The server's DETAIL quotes rows, which are secret, so it is left out."""
        state = error.sqlstate
        text = error.diag.message_primary if state else str(error)
        message = f"{self.name}: {_one_line(text or type(error).__name__)}"
        if state is None or state.startswith(_UNAVAILABLE):
            self.close()
            return UnavailableError(message)
        return RefusedError(f"{message} (SQLSTATE {state})")

    def _refused(self, what: str, remedy: str) -> RefusedError:
        return RefusedError(f"{self.name}: {what}; set {remedy}")

    def _no_standby(self, what: str) -> UnavailableError:
        # A standby can come back, so this is worth retrying.
        return UnavailableError(
            f'{self.name}: durability = "sync" demands a synchronous standby, but {what}; start '
            "the standby, and set synchronous_standby_names on the primary"
        )


def _one_line(text: str) -> str:
    return " ".join(text.split())
