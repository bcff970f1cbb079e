"""A hook's chain: when it continues, the event for the next plugin, and the merged answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clnwire._wire.codec import encode
from clnwire.host.rules.decoding import as_object, decoded

CONTINUE: Final[Mapping[str, str]] = {"result": "continue"}

_FIRST_COUNTS: Final = frozenset(("openchannel", "openchannel2", "rbf_channel"))
"""Hooks where a later plugin cannot change what an earlier one has set."""
_PSBT: Final = frozenset(("openchannel2_changed", "openchannel2_sign"))


def should_continue(hook: str, answer: object) -> bool:
    """Whether the daemon calls the next plugin after this answer."""
    if hook == "commitment_revocation":
        return True
    members = as_object(answer) or {}
    if hook == "rpc_command" and members.get("result") != "continue":
        # The daemon only logs an answer that it does not understand.
        return "replace" not in members and "return" not in members
    return members.get("result") == "continue"


def merge(hook: str, earlier: object, answer: object) -> Any:
    """Merges the answers of plugins that all continued the chain."""
    old, new = as_object(earlier), as_object(answer)
    if old is None or new is None:
        return answer
    return {**new, **old} if hook in _FIRST_COUNTS else {**old, **new}


def next_event(hook: str, event: bytes, answer: object) -> bytes:
    """The event for the next plugin, with the changes of this answer."""
    members = as_object(answer) or {}
    if hook == "htlc_accepted" and "payload" in members:
        return _with(event, "onion", "payload", _prefixed(members["payload"]))
    if hook in _PSBT and "psbt" in members:
        return _with(event, hook, "psbt", members["psbt"])
    return event


def _with(event: bytes, part: str, name: str, value: object) -> bytes:
    members = as_object(decoded(event))
    inner = None if members is None else as_object(members.get(part))
    if members is None or inner is None:
        return event
    return encode({**members, part: {**inner, name: value}})


def _prefixed(payload: str) -> str:
    """An onion's payload prefixed with its length as a BigSize, as the event contains it."""
    length = len(payload) // 2
    if length < 0xFD:
        return f"{length:02x}{payload}"
    if length <= 0xFFFF:
        return f"fd{length:04x}{payload}"
    return f"fe{length:08x}{payload}"
