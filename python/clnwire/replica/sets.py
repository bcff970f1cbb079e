"""What a replica reads of a set of writes: its version, and whether it changes settings alone."""

from __future__ import annotations

import re

import msgspec

from clnwire._wire.codec import UNDECODABLE
from clnwire.replica.errors import ReplicaError

_PRAGMA = re.compile(r"\s*PRAGMA\b", re.IGNORECASE)
_FOREIGN_KEYS = re.compile(r"\s*PRAGMA\s+foreign_keys\s*=\s*(ON|OFF)\s*(?:;\s*)?", re.IGNORECASE)
_PLAIN_WRITE = re.compile(
    rb'\s*\{\s*"data_version"\s*:\s*(\d{1,10})\s*,\s*"writes"\s*:\s*\[\s*"(?!PRAGMA)[A-Z]+\b'
)
"""Matches params as lightningd writes them whose first statement is no PRAGMA."""


class Write(msgspec.Struct, frozen=True, gc=False):
    """A set that changes the database."""

    version: int
    """Its `data_version`: one more than that of the last commit."""


class Settings(msgspec.Struct, frozen=True):
    """A set of PRAGMAs alone. It changes no data, and is no commit."""

    version: int
    """Its `data_version`: that of the last commit."""
    foreign_keys: bool | None = None
    """Whether foreign keys are enforced after it; `None` if it does not say."""
    unsupported: str | None = None
    """A statement that sets something else."""


class _Params(msgspec.Struct):
    writes: list[str]
    data_version: int | None = None


_decode_params = msgspec.json.Decoder(_Params).decode


def read_set(payload: bytes | memoryview) -> Write | Settings:
    """What the params of a `db_write` message are.

    Raises:
        ReplicaError: They are of a daemon or a database that cannot be replicated.
    """
    if plain := _PLAIN_WRITE.match(payload):
        return Write(int(plain[1]))
    try:
        params = _decode_params(payload)
    except UNDECODABLE as error:
        raise ReplicaError(f"the params of db_write are not as expected: {error}") from error
    if not params.writes:
        raise ReplicaError(
            "the set has no statements: the node's database is not in SQLite, so use the "
            "replication of its own server"
        )
    if params.data_version is None:
        raise ReplicaError(
            "the set has no data_version: use Core Lightning v0.8.1 or newer, which numbers them"
        )
    if all(map(_PRAGMA.match, params.writes)):
        return _settings(params.data_version, params.writes)
    return Write(params.data_version)


def statements(payload: bytes | memoryview) -> list[str]:
    """The statements of a set, from the params of its `db_write` message.

    Raises `msgspec.MsgspecError` if they have half a surrogate, and `RecursionError`.
    """
    return _decode_params(payload).writes


def check_text(payload: bytes) -> None:
    """Checks that the statements can be executed again.

    Raises:
        ReplicaError: One has half a surrogate or a zero byte, which SQLite does not take.
    """
    # Both need such an escape. One byte is found much faster than two, and is rare itself.
    if b"\\" not in payload or b"\\u" not in payload:
        return
    try:
        decoded = statements(payload)
    except UNDECODABLE as error:
        raise ReplicaError(f"the set has text that cannot be restored: {error}") from error
    for number, statement in enumerate(decoded, 1):
        if "\0" in statement:
            raise ReplicaError(f"statement {number} has a zero byte, so it cannot be restored")


def _settings(version: int, pragmas: list[str]) -> Settings:
    foreign_keys = None
    for statement in pragmas:
        setting = _FOREIGN_KEYS.fullmatch(statement)
        if setting is None:
            return Settings(version, foreign_keys, statement)
        foreign_keys = setting[1].upper() == "ON"
    return Settings(version, foreign_keys)
