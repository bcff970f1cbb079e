"""Forms of an event that a plugin must accept: with future members, as older daemons send it, and
with the required members alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

from clnwire.checking import catalogue as rules
from clnwire.hooks._catalogue import hook_spec
from clnwire.host.rules._samples import CHANNEL, SCID_OUT
from clnwire.host.rules.decoding import as_array, as_object
from clnwire.notifications._catalogue import topic_spec
from clnwire.types import Known

if TYPE_CHECKING:
    from clnwire.host.rules.samples import Event

NEW_MEMBER: Final = "a_member_of_tomorrow"
NEW_WORD: Final = "of_tomorrow"
HALF_AN_EMOJI: Final = "tip \ud83d"

ALWAYS_THERE: Final = frozenset(
    ("address", "amount_msat", "amount_sent_msat", "completed_at", "created_at", "created_index")
) | {
    *("data_version", "destination", "direction", "extra_tags", "features", "groupid", "id"),
    *("payment_hash", "payment_preimage", "port", "status"),
}
"""Members that the current daemon always sends, although the Structs' fields are optional. They are
optional because older daemons, or other cases of the same event, leave these members out."""

Variant: TypeAlias = Callable[[Any, Any], Any]
"""An event and its Struct, if it has one → another form of the event."""


def struct_of_hook(name: str) -> Any:
    """The Struct of a hook's event, if there is one."""
    return hook_spec(name).event


def struct_of_topic(topic: str) -> Any:
    """The Struct of a topic's payload, if there is one."""
    spec = topic_spec(topic)
    return None if spec is None else spec.event


def with_new_members(event: Any, _kind: Any = None) -> Any:
    """Adds a member to each object, as a newer daemon may."""
    return _changed(event, lambda members: {**members, NEW_MEMBER: {"deep": [1, None]}})


def with_amounts_as_strings(event: Any, _kind: Any = None) -> Any:
    """Amounts as they were spelled until v23.11: `"10000msat"`."""
    return _changed(event, _in_msat)


def _in_msat(members: Event) -> Event:
    return {
        name: f"{value}msat" if name.endswith("msat") and isinstance(value, int) else value
        for name, value in members.items()
    }


def with_odd_texts(event: Any, _kind: Any = None) -> Any:
    """Puts half of a surrogate pair (an emoji cut in two) where callers can write any text."""
    if "rpc_command" in event:
        return {"rpc_command": {**event["rpc_command"], "params": {"label": HALF_AN_EMOJI}}}
    odd = {"label": HALF_AN_EMOJI}
    return _changed(event, lambda members: {**members, **odd} if "label" in members else members)


def with_new_words(event: Any, kind: Any) -> Any:
    """Replaces each value that has a list of known words by an unknown word."""
    return _along(event, kind, _new_words)


def without_optional_members(event: Any, kind: Any) -> Any:
    """Keeps only the members that are always there."""
    return _along(event, kind, _required_only)


def _outgoing(event: Event, _kind: Any) -> Event:
    """A peer that this node has connected to."""
    return {**event, "peer": {**event["peer"], "direction": "out"}}


def _forwarded(event: Event, _kind: Any) -> Event:
    """An HTLC to be forwarded: it has an outgoing channel and no payment secret."""
    final = ("total_msat", "payment_secret")
    onion = {name: value for name, value in event["onion"].items() if name not in final}
    onion["short_channel_id"] = SCID_OUT
    return {**event, "onion": onion, "forward_to": CHANNEL}


def _by_position(event: Event, _kind: Any) -> Event:
    """A command whose parameters are given in order, by a caller whose id is a number."""
    return {"rpc_command": {**event["rpc_command"], "id": 1, "params": [1, "x"]}}


ORDINARY: Final[dict[str, tuple[Variant, ...]]] = {
    "peer_connected": (_outgoing,),
    "htlc_accepted": (_forwarded,),
    "rpc_command": (_by_position,),
}
"""Other ordinary events of a hook, made from its sample."""
_NEWER: Final[tuple[rules.Rule, Variant]] = (rules.REJECTS_NEW_MEMBER, with_new_members)
FORMS: Final[dict[str, list[tuple[rules.Rule, Variant]]]] = {
    "current": [
        _NEWER,
        (rules.REJECTS_NEW_WORD, with_new_words),
        (rules.REJECTS_OLDER, with_amounts_as_strings),
        (rules.NEEDS_OPTIONAL, without_optional_members),
        (rules.REJECTS_ODD_TEXT, with_odd_texts),
    ],
    "2020": [_NEWER],
    "2019": [_NEWER],
}
"""Dialect → the other forms of an event, each with the rule that a plugin must accept it."""


def _changed(value: Any, change: Callable[[Event], Event]) -> Any:
    """The value with the change applied to every object in it, at any depth."""
    members, items = as_object(value), as_array(value)
    if members is not None:
        inner = {name: _changed(each, change) for name, each in members.items()}
        # Only a command's params are empty. They are the caller's, so they stay as they are.
        return change(inner) if inner else inner
    return value if items is None else [_changed(each, change) for each in items]


def _new_words(members: Event, kind: type[Struct]) -> Event:
    hints = get_type_hints(kind, include_extras=True)
    return {
        name: NEW_WORD if isinstance(value, str) and _is_word(hints.get(name)) else value
        for name, value in members.items()
    }


def _is_word(annotation: Any) -> bool:
    if any(isinstance(rule, Known) for rule in getattr(annotation, "__metadata__", ())):
        return True
    return any(_is_word(each) for each in get_args(annotation))


def _required_only(members: Event, kind: type[Struct]) -> Event:
    optional = {each.encode_name for each in fields(kind) if each.default is None} - ALWAYS_THERE
    return {name: value for name, value in members.items() if name not in optional}


def _along(value: Any, kind: Any, change: Callable[[Event, type[Struct]], Event]) -> Any:
    """The value with the change applied to each object whose Struct is known."""
    struct, members, items = next(_structs(kind), None), as_object(value), as_array(value)
    if items is not None:
        return [_along(each, kind, change) for each in items]
    if struct is None or members is None:
        return value
    hints = get_type_hints(struct, include_extras=True)
    inner = {name: _along(each, hints.get(name), change) for name, each in members.items()}
    return change(inner, struct)


def _structs(annotation: Any) -> Iterator[type[Struct]]:
    """The Structs that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        yield annotation
    elif get_origin(annotation) is not None:
        for each in get_args(annotation):
            yield from _structs(each)
