"""Plausible events as Structs, and the names of events."""

from __future__ import annotations

from typing import Any, TypeVar, cast, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from clnwire._wire.nearest import did_you_mean
from clnwire._wire.structs import Event
from clnwire.errors import UsageError
from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.host.rules.samples import hook_sample, topic_sample
from clnwire.notifications._catalogue import TYPED, topic_spec

E = TypeVar("E", bound=Event)


def sample(event: type[E], /, **changes: object) -> E:
    """A plausible event of a hook or a topic: `sample(DbWrite, writes=["DELETE FROM t"])`.

    `changes` are members with other values. For a member that is itself a Struct a dict of its
    members will do: `sample(PeerConnected, peer={"direction": "out"})` leaves the others as they
    are. The same daemon, peer and payment are in all samples.

    Raises `UsageError` for a Struct that is not an event, for a member that it does not have, and a
    value that does not fit.
    """
    name = name_of_type(event)
    if name in HOOKS and hook_spec(name).event is event:
        found: Any = hook_spec(name).decoder()(msgspec.json.encode(hook_sample(name)))
    else:
        spec = topic_spec(name)
        assert spec is not None
        found = spec.decoder()(msgspec.json.encode(topic_sample(name)))
    return cast("E", _changed(found, changes, event.__name__))


def name_of_type(event: type[Event]) -> str:
    """The hook or topic that the Struct is the event of. Raises `UsageError`."""
    name = event.__module__.rpartition(".")[2]
    specs = [
        hook_spec(name) if name in HOOKS else None,
        topic_spec(name) if name in TYPED else None,
    ]
    if not any(spec is not None and spec.event is event for spec in specs):
        raise UsageError(
            f"{event.__name__} is not an event of a hook or topic; clnwire.hooks and "
            "clnwire.notifications have those"
        )
    return name


def _changed(struct: Struct, changes: dict[str, Any], where: str) -> Struct:
    hints = get_type_hints(type(struct), include_extras=True)
    for name in changes:
        if name not in hints:
            known = ", ".join(struct.__struct_fields__)
            hint = did_you_mean(name, hints) or f"; it has {known}"
            raise UsageError(f"{where} has no member '{name}'{hint}")
    values = {
        name: _value(getattr(struct, name), value, hints[name], f"{where}.{name}")
        for name, value in changes.items()
    }
    return replace(struct, **values)


def _value(old: object, new: object, hint: object, where: str) -> object:
    if isinstance(old, Struct) and isinstance(new, dict):
        return _changed(old, cast("dict[str, Any]", new), where)
    try:
        return msgspec.convert(new, hint)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {error}") from None
