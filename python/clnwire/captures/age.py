"""Infers the age of the daemon in a capture from the messages it sent."""

from __future__ import annotations

from clnwire._core import MalformedError, members
from clnwire._wire.dialect import (
    FAILURE_MESSAGES,
    FOUNDING,
    LAST_TO_LEAVE_OUT,
    WITH_DATA_VERSION,
    Dialect,
    detect_dialect,
)


def age_after(known: Dialect, method: str, token: bytes, params: bytes) -> Dialect:
    """Narrows the known age of the daemon by one more of its requests."""
    if method == "getmanifest":
        allow = _members(params).get("allow-deprecated-apis")
        return detect_dialect(
            token, allow_deprecated_apis=None if allow is None else True, version=None
        )
    if known.newest > FOUNDING:
        return known
    if method == "init" and "feature_set" in _members(_members(params).get("configuration", b"")):
        return Dialect(FAILURE_MESSAGES, LAST_TO_LEAVE_OUT)
    if method == "db_write" and "data_version" in _members(params):
        return Dialect(WITH_DATA_VERSION, LAST_TO_LEAVE_OUT)
    return known


def _members(text: bytes) -> dict[str, bytes]:
    try:
        return dict(members(text))
    except MalformedError:
        return {}
