"""The tables. One schema serves several nodes.

Least privileges: a user that creates the schema needs CREATE on the database once. After that
USAGE on the schema, and SELECT, INSERT, UPDATE and DELETE on its tables, are enough; with
`durability = "sync"` also membership of pg_monitor, to see the standby.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clnwire.replica.errors import RefusedError

if TYPE_CHECKING:
    from clnwire.replica.engines.postgresql.session import Session

VERSION: Final = 1

_CREATE: Final = f"""
DO $$ BEGIN
-- Two nodes may start at the same time.
PERFORM pg_advisory_xact_lock(hashtext('clnwire schema'));
-- Unlike to_regclass, this sees what was committed while the lock was waited for.
IF EXISTS (SELECT FROM pg_class WHERE relname = 'format' AND relnamespace IN
    (SELECT oid FROM pg_namespace WHERE nspname = 'clnwire')) THEN RETURN; END IF;
CREATE SCHEMA IF NOT EXISTS clnwire;
CREATE TABLE clnwire.format (version int NOT NULL);
INSERT INTO clnwire.format VALUES ({VERSION});
-- What is stored last, and who may write next.
CREATE TABLE clnwire.heads (
    node text PRIMARY KEY,
    generation bigint NOT NULL,
    epoch bigint NOT NULL,
    owner text NOT NULL,
    sequence bigint NOT NULL,
    chain bytea NOT NULL,
    -- Counts all writes: what is left of a lost connection must not repeat one.
    writes bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE clnwire.sets (
    node text,
    generation bigint,
    sequence bigint,
    epoch bigint NOT NULL,
    foreign_keys boolean NOT NULL,
    chain bytea NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (node, generation, sequence)
);
CREATE TABLE clnwire.bases (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node text NOT NULL,
    generation bigint NOT NULL,
    sequence bigint NOT NULL,
    epoch bigint NOT NULL,
    chain bytea NOT NULL,
    size bigint NOT NULL,
    file_digest bytea NOT NULL,
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- False until all chunks are there.
    complete boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX ON clnwire.bases (node, generation, sequence) WHERE complete;
CREATE TABLE clnwire.chunks (
    base bigint REFERENCES clnwire.bases ON DELETE CASCADE,
    number int,
    data bytea NOT NULL,
    PRIMARY KEY (base, number)
);
CREATE TABLE clnwire.leases (
    node text PRIMARY KEY,
    machine text NOT NULL,
    boot text NOT NULL,
    process text NOT NULL,
    -- Another at each renewal, so that a copy of a running machine is noticed.
    token text NOT NULL,
    seconds double precision NOT NULL,
    renewed timestamptz NOT NULL
) WITH (fillfactor = 50);
-- clnwire compresses by itself.
ALTER TABLE clnwire.sets ALTER payload SET STORAGE EXTERNAL;
ALTER TABLE clnwire.chunks ALTER data SET STORAGE EXTERNAL;
END $$
"""
_FOUND: Final = "SELECT to_regclass('clnwire.format') IS NOT NULL"
_NOT_LOGGED: Final = """
SELECT relname FROM pg_class
WHERE relnamespace = 'clnwire'::regnamespace AND relkind = 'r' AND relpersistence <> 'p'
"""


def ensure(session: Session) -> None:
    """Creates the tables if they are absent, and checks them.

    Raises:
        RefusedError: The user may not create them, a newer clnwire has, or they are not logged.
        UnavailableError: The server does not answer.
    """
    if not session.execute(_FOUND)[0][0]:
        try:
            session.execute(_CREATE)
        except RefusedError as error:
            raise RefusedError(
                f"{error}; to create the schema clnwire the user needs: GRANT CREATE ON DATABASE"
            ) from None
    version = session.execute("SELECT version FROM clnwire.format")[0][0]
    if version != VERSION:
        raise RefusedError(
            f"{session.name}: the schema clnwire has version {version}, and this clnwire knows "
            f"{VERSION}; use the clnwire that made it"
        )
    if not_logged := session.execute(_NOT_LOGGED):
        raise RefusedError(
            f"{session.name}: a crash empties the unlogged table clnwire.{not_logged[0][0]}; "
            "run: ALTER TABLE … SET LOGGED"
        )
