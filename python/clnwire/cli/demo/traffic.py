"""What a node's database is made of in the demo, and what its transactions look like.

Their shape follows a recording of a node that made and received 131
payments in 47 s and sent 2,162 `db_write`s. Schema and rows are the demo's own.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Shape(NamedTuple):
    """Measured over sets of writes."""

    statements: tuple[int, ...]
    """Statements a set, at `QUANTILES`."""
    size: tuple[int, ...]
    """Bytes of the set's message, at `QUANTILES`."""
    kinds: dict[str, float]
    """The share of all statements, by their first word."""


QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
MEASURED: Final = Shape(
    statements=(2, 2, 3, 16, 22, 25),
    size=(257, 389, 2_980, 7_240, 12_629, 15_971),
    kinds={"UPDATE": 0.664, "INSERT": 0.174, "DELETE": 0.162},
)
"""Of the recording, without the sets that made and migrated its tables."""

CHANNELS: Final = 4
SCHEMA: Final = (
    "CREATE TABLE vars (name TEXT PRIMARY KEY, val TEXT, intval INTEGER, blobval BLOB) STRICT",
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER) STRICT",
    "CREATE TABLE notes (key BLOB PRIMARY KEY, data BLOB, generation INTEGER) STRICT",
    """CREATE TABLE channels (
        id INTEGER PRIMARY KEY, state INTEGER, sent INTEGER, received INTEGER,
        revocations INTEGER, keys BLOB, last_tx BLOB, last_commit BLOB) STRICT""",
    """CREATE TABLE terms (
        channel INTEGER REFERENCES channels (id) ON DELETE CASCADE, side INTEGER,
        dust INTEGER, reserve INTEGER, delay INTEGER, max_htlcs INTEGER, max_value INTEGER,
        PRIMARY KEY (channel, side)) STRICT""",
    """CREATE TABLE fees (
        channel INTEGER REFERENCES channels (id) ON DELETE CASCADE, side INTEGER,
        rate INTEGER) STRICT""",
    "CREATE TABLE heights (channel INTEGER, side INTEGER, height INTEGER) STRICT",
    """CREATE TABLE htlcs (
        id INTEGER PRIMARY KEY, channel INTEGER REFERENCES channels (id), state INTEGER,
        amount INTEGER, hash BLOB, preimage BLOB, onion BLOB) STRICT""",
    "CREATE INDEX htlcs_of_channel ON htlcs (channel, state)",
    """CREATE TABLE payments (
        id INTEGER PRIMARY KEY, status INTEGER, amount INTEGER, fee REAL, hash BLOB,
        label TEXT, invoice TEXT) STRICT""",
    "CREATE TABLE secrets (channel INTEGER, position INTEGER, secret BLOB) STRICT",
    """CREATE TABLE penalties (
        channel INTEGER, number INTEGER, txid BLOB, amount INTEGER,
        PRIMARY KEY (channel, number)) STRICT""",
    "CREATE TABLE anchors (channel INTEGER, number INTEGER, txid BLOB, fee INTEGER) STRICT",
    "INSERT INTO vars (name, intval) VALUES ('data_version', 1)",
    "INSERT INTO counters VALUES ('payments', 0), ('htlcs', 0)",
    "INSERT INTO notes VALUES (x'00', NULL, 0), (x'01', NULL, 0), (x'02', NULL, 0)",
    *(f"INSERT INTO channels (id, state) VALUES ({channel}, 0)" for channel in range(CHANNELS)),
    *(
        f"INSERT INTO terms VALUES ({channel}, {side}, 546, 10000, 144, 483, 0)"
        for channel in range(CHANNELS)
        for side in (0, 1)
    ),
)
"""The first set: it is sent before `init`, as a node's migrations are."""


def insert(table: str, *values: object) -> str:
    """A statement that adds a row; the values are as they are to stand in it."""
    return f"INSERT INTO {table} VALUES ({', '.join(map(str, values))})"


def version_is(version: int) -> str:
    """The statement that numbers a set."""
    return f"UPDATE vars SET intval = {version} WHERE name = 'data_version'"


class DemoTraffic:
    """Sets of writes, the same ones for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = Random(seed)
        self._version = 1
        self._payments = self._htlcs = self._commitments = 0

    def sets(self, count: int) -> Iterator[list[str]]:
        """Yields `count` transactions; the last statement of each sets the version."""
        makers: list[Callable[[], list[str]]] = [
            self._note,
            self._forget,
            self._anchor,
            self._payment,
            self._signature,
            self._revocation,
            self._htlc_out,
            self._htlc_in,
            self._settle,
        ]
        for _ in range(count):
            (make,) = self._random.choices(makers, _WEIGHTS)
            self._version += 1
            yield [*make(), version_is(self._version)]

    def _hex(self, size: int) -> str:
        return f"x'{self._random.randbytes(size).hex().upper()}'"

    def _channel(self) -> int:
        return self._random.randrange(CHANNELS)

    def _note(self) -> list[str]:
        data = self._hex(self._random.randrange(1_100, 1_400))
        key = f"x'0{self._random.randrange(3)}'"
        return [f"UPDATE notes SET data = {data}, generation = generation + 1 WHERE key = {key}"]

    def _forget(self) -> list[str]:
        oldest = self._commitments - 50
        return [f"DELETE FROM penalties WHERE channel = {self._channel()} AND number < {oldest}"]

    def _anchor(self) -> list[str]:
        channel, number = self._channel(), self._commitments
        return [
            insert("anchors", channel, number, self._hex(32), 253),
            f"DELETE FROM anchors WHERE channel = {channel} AND number < {number}",
        ]

    def _payment(self) -> list[str]:
        self._payments += 1
        number, amount = self._payments, self._random.randrange(1_000, 10**9)
        # Quotes are doubled and letters beyond ASCII taken as they are.
        label = f"'d''œuvre {number}'"
        invoice = f"'{self._random.randbytes(self._random.randrange(250, 500)).hex()}'"
        return [
            f"UPDATE counters SET value = {number} WHERE name = 'payments'",
            insert("payments", number, 0, amount, amount / 997, self._hex(32), label, invoice),
        ]

    def _save(self, channel: int) -> list[str]:
        """A channel is saved as a whole, whatever has changed of it."""
        draw = self._random.randrange
        balances = f"state = {draw(9)}, sent = {draw(10**12)}, received = {draw(10**12)}"
        blobs = f"keys = {self._hex(700)}, last_tx = {self._hex(1_750)}"
        return [
            self._terms(channel, 0),
            f"UPDATE channels SET revocations = revocations + 1 WHERE id = {channel}",
            self._terms(channel, 1),
            f"UPDATE channels SET {balances}, {blobs} WHERE id = {channel}",
            f"DELETE FROM fees WHERE channel = {channel}",
            insert("fees", channel, 0, draw(253, 9_000)),
            f"DELETE FROM heights WHERE channel = {channel}",
            insert("heights", channel, 0, draw(100, 200)),
            f"UPDATE channels SET last_commit = {self._hex(420)} WHERE id = {channel}",
        ]

    def _terms(self, channel: int, side: int) -> str:
        value = self._random.randrange(2**63)
        return (
            f"UPDATE terms SET dust = 546, reserve = 10000, delay = 144, max_htlcs = 483, "
            f"max_value = {value} WHERE channel = {channel} AND side = {side}"
        )

    def _count(self) -> str:
        return f"UPDATE counters SET value = {self._htlcs} WHERE name = 'htlcs'"

    def _step(self) -> list[str]:
        """An HTLC goes on to its next state."""
        number = self._random.randint(max(1, self._htlcs - 20), max(1, self._htlcs))
        state = self._random.randrange(20)
        return [self._count(), f"UPDATE htlcs SET state = {state} WHERE id = {number}"]

    def _add(self, channel: int) -> list[str]:
        """A new HTLC, with its onion of 1,366 bytes."""
        self._htlcs += 1
        amount = self._random.randrange(10**9)
        payment_hash, onion = self._hex(32), self._hex(1_366)
        return [
            insert("htlcs", self._htlcs, channel, 0, amount, payment_hash, "NULL", onion),
            f"UPDATE channels SET sent = sent + {amount} WHERE id = {channel}",
            self._count(),
        ]

    def _signature(self) -> list[str]:
        channel = self._channel()
        self._commitments += 1
        penalty = insert("penalties", channel, self._commitments, self._hex(32), 330)
        return [*self._step(), *self._save(channel), *self._save(channel), penalty]

    def _revocation(self) -> list[str]:
        channel = self._channel()
        position = self._random.randrange(48)
        return [
            *self._step(),
            f"DELETE FROM secrets WHERE channel = {channel} AND position = {position}",
            insert("secrets", channel, position, self._hex(32)),
            *self._save(channel),
        ]

    def _htlc_out(self) -> list[str]:
        return [*self._add(self._channel()), *self._signature()]

    def _htlc_in(self) -> list[str]:
        channel = self._channel()
        return [*self._add(channel), *self._step(), *self._save(channel)]

    def _settle(self) -> list[str]:
        preimage = self._hex(32)
        number = max(1, self._htlcs)
        return [
            *self._step(),
            *self._step(),
            f"UPDATE htlcs SET preimage = {preimage} WHERE id = {number}",
            f"UPDATE payments SET status = 1 WHERE id = {self._payments}",
            *self._save(self._channel()),
        ]


_WEIGHTS: Final = (25, 13, 13, 7, 13, 13, 3, 3, 10)
"""How many of 100 sets are of each kind, in the order of `makers` in `DemoTraffic.sets`."""
