"""A hook's chain: when it goes on, what the next plugin is asked, what the whole has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from clnwire._wire.codec import encode
from clnwire.host.rules.decoding import as_object, decoded

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTINUE: Final[Mapping[str, str]] = {"result": "continue"}

_FIRST_COUNTS: Final = frozenset(("openchannel", "openchannel2", "rbf_channel"))
"""Hooks where a later plugin cannot change what an earlier one has set."""
_PSBT: Final = frozenset(("openchannel2_changed", "openchannel2_sign"))


def goes_on(hook: str, answer: object) -> bool:
    """Whether the next plugin is asked after this answer."""
    if hook == "commitment_revocation":
        return True
    members = as_object(answer) or {}
    if hook == "rpc_command" and members.get("result") != "continue":
        # What the daemon does not understand it only logs.
        return "replace" not in members and "return" not in members
    return members.get("result") == "continue"


def together(hook: str, earlier: object, answer: object) -> Any:
    """The answer of several plugins that all went on."""
    old, new = as_object(earlier), as_object(answer)
    if old is None or new is None:
        return answer
    return {**new, **old} if hook in _FIRST_COUNTS else {**old, **new}


def passed_on(hook: str, event: bytes, answer: object) -> bytes:
    """The event for the next plugin, with what this one has changed."""
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
    """An onion's payload as the event shows it: with its length, a BigSize, in front."""
    length = len(payload) // 2
    if length < 0xFD:
        return f"{length:02x}{payload}"
    if length <= 0xFFFF:
        return f"fd{length:04x}{payload}"
    return f"fe{length:08x}{payload}"
