"""The engine: conditional writes, and what reads them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from clnwire.replica.engines.postgresql import schema
from clnwire.replica.engines.postgresql.address import Address
from clnwire.replica.engines.postgresql.lease import Lease
from clnwire.replica.engines.postgresql.session import (
    ANSWER_SECONDS,
    CHECKS,
    Session,
)
from clnwire.replica.engines.remote import RemoteEngine
from clnwire.replica.errors import RefusedError, ReplicaError, UnavailableError
from clnwire.replica.files import pieces
from clnwire.replica.records import Base, Head, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from clnwire.replica.files import Progress
    from clnwire.replica.settings import ReplicaSettings

CHUNK: Final = 1 << 20
"""Bytes of a base in one row."""
_SETS_AT_ONCE: Final = 200
_BYTES_AT_ONCE: Final = 16 << 20
_DELETED_AT_ONCE: Final = {"sets": 5_000, "chunks": 100}

_HEAD: Final = "generation, epoch, owner, sequence, chain, writes"
_EXPECTED: Final = """
node = %(node)s AND generation = %(e_generation)s AND epoch = %(e_epoch)s AND owner = %(e_owner)s
AND sequence = %(e_sequence)s AND chain = %(e_chain)s AND writes = %(e_writes)s
"""
_MOVE: Final = f"""
UPDATE clnwire.heads SET generation = %(generation)s, epoch = %(epoch)s, owner = %(owner)s,
sequence = %(sequence)s, chain = %(chain)s, writes = writes + 1
WHERE {_EXPECTED} RETURNING {_HEAD}
"""
_MOVED: Final = f"SELECT writes, {CHECKS} FROM moved"
_TAKE_OVER: Final = f"WITH moved AS ({_MOVE}) {_MOVED}"
_APPEND: Final = f"""
WITH moved AS ({_MOVE}), stored AS (
    INSERT INTO clnwire.sets
    SELECT %(node)s, generation, sequence, epoch, %(foreign_keys)s, chain, %(payload)b FROM moved
    ON CONFLICT (node, generation, sequence) DO UPDATE SET epoch = excluded.epoch,
    foreign_keys = excluded.foreign_keys, chain = excluded.chain, payload = excluded.payload
) {_MOVED}
"""
_COMPLETE: Final = """
completed AS (UPDATE clnwire.bases SET complete = true FROM moved WHERE id = %(base)s)
"""
_FIRST: Final = f"""
WITH moved AS (
    INSERT INTO clnwire.heads VALUES (%(node)s, %(generation)s, %(epoch)s, %(owner)s,
    %(sequence)s, %(chain)s, 1) ON CONFLICT DO NOTHING RETURNING writes
), {_COMPLETE} {_MOVED}
"""
_BEGIN: Final = f"WITH moved AS ({_MOVE}), {_COMPLETE} {_MOVED}"
_ADD_BASE: Final = f"""
WITH moved AS (
    UPDATE clnwire.bases SET complete = true WHERE id = %(base)s
    AND EXISTS (SELECT FROM clnwire.heads WHERE node = %(node)s
        AND generation = %(generation)s AND sequence > %(sequence)s)
    AND EXISTS (SELECT FROM clnwire.sets WHERE node = %(node)s
        AND generation = %(generation)s AND sequence = %(sequence)s AND chain = %(chain)s)
    RETURNING 0 AS writes
) {_MOVED}
"""
_STAGE: Final = """
INSERT INTO clnwire.bases (node, generation, sequence, epoch, chain, size, file_digest)
VALUES (%(node)s, %(generation)s, %(sequence)s, %(epoch)s, %(chain)s, %(size)s, %(file_digest)s)
RETURNING id, extract(epoch FROM created)::float8
"""
_BASE: Final = (
    "generation, sequence, epoch, chain, size, file_digest, extract(epoch FROM created)::float8"
)


class PostgresqlEngine(RemoteEngine):
    """Keeps replicas in a PostgreSQL server.

    A call makes the connection if there is none, so that after `UnavailableError` every call can
    be repeated as it was.
    """

    store = "server"

    def __init__(
        self,
        settings: ReplicaSettings,
        *,
        writes: bool,
        on_lost: Callable[[str], object] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Connects to nothing yet.

        `writes` says whether this is the node's own instance: only that needs a lease, and a server
        that is as durable as demanded. `on_lost` is called in another thread, with the reason, when
        the lease is lost and this instance has to end. `answer_seconds` is how long the server may
        take for one statement and its COMMIT.
        """
        address = Address(settings.engine, settings.credentials_file, writes=writes)
        durability = settings.durability if writes else "single"
        super().__init__(address.name, settings.node)
        self._session = Session(address, durability, answer_seconds, demanding=writes)
        self._writes: int | None = None
        """The head's count of writes; `None` if it is to be read."""
        self._lease: Lease | None = None
        if writes:
            session = Session(address, durability, answer_seconds)
            self._lease = Lease(session, self.node, settings.lease_seconds, on_lost)

    def open(self) -> None:
        self._session.connect()
        schema.ensure(self._session)
        if self._lease is not None:
            self._lease.acquire()

    def close(self) -> None:
        if self._lease is not None:
            self._lease.release()
        self._session.close()
        self._writes = None

    def head(self) -> Head | None:
        rows = self._session.execute(
            f"SELECT {_HEAD} FROM clnwire.heads WHERE node = %(node)s", {"node": self.node}
        )
        if not rows:
            self._writes = None
            return None
        *values, self._writes = rows[0]
        return Head(self.node, *values)

    def _begin(
        self, expected: Head | None, head: Head, base: Base, file: Path, progress: Progress
    ) -> Base:
        # What an attempt before has left.
        self._remove_bases("generation = %(generation)s", {"generation": head.generation})
        number, stored = self._stage(base, file, progress)
        statement = _FIRST if expected is None else _BEGIN
        self._move(statement, expected, head, {"base": number})
        return stored

    def take_over(self, expected: Head, head: Head) -> None:
        self._move(_TAKE_OVER, expected, head, {})

    def _append(self, expected: Head, head: Head, record: Record) -> None:
        values = {"payload": record.payload, "foreign_keys": record.foreign_keys}
        self._move(_APPEND, expected, head, values)

    def settle(self, expected: Head, record: Record) -> Head:
        # What the old connection still does is over before the row that this writes is free.
        self._session.close()
        self._writes = None
        return self.append(expected, record)

    def _move(
        self, statement: str, expected: Head | None, head: Head, values: Mapping[str, object]
    ) -> None:
        """Makes `head` the head in one transaction, on condition that it is `expected`.

        If it is `head` already, this very write was done before. It is then confirmed.
        """
        values = {**values, **msgspec.structs.asdict(head)}
        if expected is not None:
            before = msgspec.structs.asdict(expected)
            values |= {f"e_{key}": value for key, value in before.items()}
        # Each round ends unless another write came in between.
        for _ in range(3):
            if self._writes is None:
                found = self.head()
                if found == head:
                    self._confirm(head)
                    return
                if found != expected:
                    raise self._refusal(expected, found)
            if self._write(statement, values):
                return
        raise UnavailableError(f"{self.name}: other connections of this instance still write")

    def _write(self, statement: str, values: dict[str, object]) -> bool:
        values["e_writes"] = self._writes
        # Until the answer is here, what the head is is unknown.
        self._writes = None
        row = self._session.write(statement, values)
        if row is not None:
            self._writes = row[0]
        return row is not None

    def _confirm(self, head: Head) -> None:
        """Makes a found head durable: a read alone does not prove that a standby has it.

        The log is in order, so what was written before this write is as durable as this.
        """
        values = msgspec.structs.asdict(head)
        values |= {f"e_{key}": value for key, value in values.items()}
        if not self._write(_TAKE_OVER, values):
            raise UnavailableError(f"{self.name}: other connections of this instance still write")

    def bases(self) -> list[Base]:
        rows = self._session.execute(
            f"SELECT {_BASE} FROM clnwire.bases WHERE node = %(node)s AND complete "
            "ORDER BY generation, sequence",
            {"node": self.node},
        )
        return [Base(*row) for row in rows]

    def _pieces(self, base: Base) -> Iterator[bytes]:
        number, done, count = self._base_number(base), 0, 0
        while done < base.size:
            rows = self._session.execute(
                "SELECT data FROM clnwire.chunks WHERE base = %(base)s AND number = %(number)s",
                {"base": number, "number": count},
            )
            if not rows:
                raise ReplicaError(f"{self.name}: the base at {base.sequence} lacks chunk {count}")
            yield rows[0][0]
            done, count = done + len(rows[0][0]), count + 1

    def _base_number(self, base: Base) -> int:
        rows = self._session.execute(
            "SELECT id FROM clnwire.bases WHERE node = %(node)s AND generation = %(generation)s "
            "AND sequence = %(sequence)s AND complete",
            {"node": self.node, "generation": base.generation, "sequence": base.sequence},
        )
        if not rows:
            raise ReplicaError(f"{self.name}: the base at {base.sequence} was removed meanwhile")
        number: int = rows[0][0]
        return number

    def _sets(self, generation: int, after: int, until: int | None) -> Iterator[Record]:
        while rows := self._some_sets(generation, after, until):
            yield from (Record(*row) for row in rows)
            after = rows[-1][0]

    def _some_sets(self, generation: int, after: int, until: int | None) -> list[tuple[Any, ...]]:
        """The next sets: at least one, if there is one, and not too many bytes for memory."""
        bound = "" if until is None else "AND sequence <= %(until)s"
        return self._session.execute(
            "SELECT sequence, epoch, foreign_keys, payload, chain FROM (SELECT *, "
            "sum(octet_length(payload)) OVER (ORDER BY sequence) - octet_length(payload) AS before "
            "FROM (SELECT * FROM clnwire.sets WHERE node = %(node)s "
            f"AND generation = %(generation)s AND sequence > %(after)s {bound} "
            f"ORDER BY sequence LIMIT {_SETS_AT_ONCE}) AS next) AS counted "
            f"WHERE before < {_BYTES_AT_ONCE} ORDER BY sequence",
            {"node": self.node, "generation": generation, "after": after, "until": until},
        )

    def _add_base(self, base: Base, file: Path, progress: Progress) -> bool:
        number, _ = self._stage(base, file, progress)
        values = {**msgspec.structs.asdict(base), "base": number, "node": self.node}
        try:
            return self._session.write(_ADD_BASE, values) is not None
        except RefusedError:
            # Another process may have stored one there meanwhile.
            if self._has(base):
                return True
            raise

    def _stage(self, base: Base, file: Path, progress: Progress) -> tuple[int, Base]:
        """Stores the chunks of a base that does not count yet."""
        values = {**msgspec.structs.asdict(base), "node": self.node}
        number, created = self._session.execute(_STAGE, values)[0]
        for count, data in enumerate(pieces(file, base.size, CHUNK, progress)):
            self._session.execute(
                "INSERT INTO clnwire.chunks VALUES (%(base)s, %(number)s, %(data)b)",
                {"base": number, "number": count, "data": data},
            )
        return number, msgspec.structs.replace(base, created=created)

    def prune(self, keep: Base) -> None:
        values = {"node": self.node, "generation": keep.generation, "sequence": keep.sequence}
        self._base_number(keep)
        older = "(generation, sequence) < (%(generation)s, %(sequence)s) AND node = %(node)s"
        self._session.execute(
            "UPDATE clnwire.bases SET complete = false, created = '-infinity' "
            f"WHERE {older} AND complete",
            values,
        )
        self._remove_bases("created < clock_timestamp() - interval '1 day'", {})
        self._delete("sets", "node, generation, sequence", older, values)

    def _delete(self, table: str, key: str, condition: str, values: Mapping[str, object]) -> None:
        """Deletes rows, the first ones first, and few at once: the server has to answer in time."""
        found = f"SELECT {key} FROM clnwire.{table} WHERE {condition} ORDER BY {key}"
        found += f" LIMIT {_DELETED_AT_ONCE[table]}"
        while self._session.execute(
            f"DELETE FROM clnwire.{table} WHERE ({key}) IN ({found}) RETURNING 1", values
        ):
            pass

    def _remove_bases(self, condition: str, values: dict[str, object]) -> None:
        """Removes bases that do not count."""
        values = {**values, "node": self.node}
        bases = f"clnwire.bases WHERE node = %(node)s AND NOT complete AND {condition}"
        self._delete("chunks", "base, number", f"base IN (SELECT id FROM {bases})", values)
        self._session.execute(f"DELETE FROM {bases}", values)
