"""What a node's database is made of in the demo, and what its transactions look like.

Their shape follows a recording of a node that made and received 131
payments in 47 s and sent 2,162 `db_write`s. Schema and rows are the demo's own.
"""

import re
from collections.abc import Iterator
from random import Random
from typing import Final, TypeAlias

Templates: TypeAlias = "tuple[str, ...]"
"""Statements, in which `[bits N]` is a number of N bits, `[blob N]` and `[text N]` have N bytes.

`CHANNEL` is drawn once a set; `VERSION` is the set's, and serves as a number that nobody has yet.
"""

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

_STEP: Final[Templates] = (
    "UPDATE counters SET value = VERSION WHERE name = 'htlcs'",
    "UPDATE htlcs SET state = [bits 4] WHERE id = (SELECT max(id) FROM htlcs)",
)
"""An HTLC goes on to its next state."""
_ADD: Final[Templates] = (
    "INSERT INTO htlcs VALUES (VERSION, CHANNEL, 0, [bits 30], [blob 32], NULL, [blob 1366])",
    "UPDATE channels SET sent = sent + [bits 30] WHERE id = CHANNEL",
    "UPDATE counters SET value = VERSION WHERE name = 'htlcs'",
)
"""A new HTLC, with its onion."""
_TERMS: Final[Templates] = tuple(
    "UPDATE terms SET dust = 546, reserve = 10000, delay = 144, max_htlcs = 483, max_value = "
    f"[bits 63] WHERE channel = CHANNEL AND side = {side}"
    for side in (0, 1)
)
_CHANNEL: Final = (
    "UPDATE channels SET state = [bits 3], sent = [bits 40], received = [bits 40], "
    "keys = [blob 700], last_tx = [blob 1750] WHERE id = CHANNEL"
)
_PAYMENT: Final = (
    "INSERT INTO payments VALUES (VERSION, 0, [bits 30], [bits 20].5, [blob 32], "
    "'d''œuvre VERSION', [text 375])"
)
"""Quotes are doubled and letters beyond ASCII taken as they are."""
_SAVE: Final[Templates] = (
    _TERMS[0],
    "UPDATE channels SET revocations = revocations + 1 WHERE id = CHANNEL",
    _TERMS[1],
    _CHANNEL,
    "DELETE FROM fees WHERE channel = CHANNEL",
    "INSERT INTO fees VALUES (CHANNEL, 0, [bits 13])",
    "DELETE FROM heights WHERE channel = CHANNEL",
    "INSERT INTO heights VALUES (CHANNEL, 0, [bits 8])",
    "UPDATE channels SET last_commit = [blob 420] WHERE id = CHANNEL",
)
"""A channel is saved as a whole, whatever has changed of it."""
_SIGNATURE: Final[Templates] = (
    *_STEP,
    *_SAVE,
    *_SAVE,
    "INSERT INTO penalties VALUES (CHANNEL, VERSION, [blob 32], 330)",
)
_SETS: Final[dict[Templates, int]] = {
    (
        "UPDATE notes SET data = [blob 1250], generation = generation + 1 WHERE key = x'0[bits 1]'",
    ): 25,
    ("DELETE FROM penalties WHERE channel = CHANNEL AND number < VERSION - 400",): 13,
    (
        "INSERT INTO anchors VALUES (CHANNEL, VERSION, [blob 32], 253)",
        "DELETE FROM anchors WHERE channel = CHANNEL AND number < VERSION",
    ): 13,
    (
        "UPDATE counters SET value = VERSION WHERE name = 'payments'",
        _PAYMENT,
    ): 7,
    _SIGNATURE: 13,
    (
        *_STEP,
        "DELETE FROM secrets WHERE channel = CHANNEL AND position = VERSION % 48",
        "INSERT INTO secrets VALUES (CHANNEL, VERSION % 48, [blob 32])",
        *_SAVE,
    ): 13,
    (*_ADD, *_SIGNATURE): 3,
    (*_ADD, *_STEP, *_SAVE): 3,
    (
        *_STEP,
        *_STEP,
        "UPDATE htlcs SET preimage = [blob 32] WHERE id = (SELECT max(id) FROM htlcs)",
        "UPDATE payments SET status = 1 WHERE id = (SELECT max(id) FROM payments)",
        *_SAVE,
    ): 10,
}
"""Kinds of sets, and how many of 100 are of each."""
_DRAWN: Final = re.compile(r"\[(bits|blob|text) (\d+)\]")


def version_is(version: int) -> str:
    """The statement that numbers a set."""
    return f"UPDATE vars SET intval = {version} WHERE name = 'data_version'"


def sets(count: int, seed: int = 1) -> Iterator[list[str]]:
    """Yields `count` transactions, the same for the same seed; each ends with its version's."""
    random = Random(seed)

    def drawn(found: re.Match[str]) -> str:
        size = int(found[2])
        if found[1] == "bits":
            return str(random.getrandbits(size))
        text = random.randbytes(size).hex()
        return f"'{text}'" if found[1] == "text" else f"x'{text.upper()}'"

    chosen = random.choices(list(_SETS), list(_SETS.values()), k=count)
    for version, templates in enumerate(chosen, 2):
        channel = str(random.randrange(CHANNELS))
        filled = (
            one.replace("CHANNEL", channel).replace("VERSION", str(version)) for one in templates
        )
        yield [*(_DRAWN.sub(drawn, one) for one in filled), version_is(version)]
