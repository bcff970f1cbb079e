"""Plausible events and results as Structs; from a test's events to payloads, and back."""

import types
from collections.abc import Callable
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import fields, replace

from clnwire._wire.nearest import did_you_mean
from clnwire._wire.structs import Event
from clnwire.commands._command import Reply
from clnwire.errors import UsageError
from clnwire.hooks._answers import permitted_answer
from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.hooks._spec import CONTINUE, HookSpec
from clnwire.host.empty_node import least
from clnwire.host.rules.decoding import as_object
from clnwire.host.rules.samples import Event as SampleEvent
from clnwire.host.rules.samples import hook_sample, topic_sample
from clnwire.notifications._catalogue import TYPED, topic_spec
from clnwire.notifications._spec import TopicSpec

__tracebackhide__ = True

E = TypeVar("E", bound=Event)
S = TypeVar("S", bound=Struct)


def sample(event: type[E], /, **changes: Any) -> E:
    """A plausible event, or a command's result: `sample(DbWrite, writes=["DELETE FROM t"])`.

    `changes` are members with other values. For a member that is itself a Struct a dict of its
    members will do, and for a list of Structs a list of dicts: `sample(PeerConnected,
    peer={"direction": "out"})` leaves the others as they are, and `sample(ListpeerchannelsReply,
    channels=[{"peer_id": me}, {}])` has two channels. The same daemon, peer and payment are in all
    events. A result is that of a node with nothing in it; the Structs in it have samples, too.

    Raises `UsageError` for a Struct that is neither, for a member that it does not have, and a
    value that does not fit.
    """
    if not isinstance(event, type):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"sample takes a Struct, such as clnwire.hooks.DbWrite, not {event!r}")
    if issubclass(event, Reply):
        return _changed(_least(event), changes, event.__name__)
    spec = spec_of(event)
    find = hook_sample if isinstance(spec, HookSpec) else topic_sample
    found: Any = spec.decoder()(msgspec.json.encode(find(spec.name)))
    return cast("E", _changed(found, changes, event.__name__))


def spec_of(event: type[Event]) -> HookSpec | TopicSpec:
    """The hook or topic that the Struct is the event of. Raises `UsageError`."""
    name = event.__module__.rpartition(".")[2]
    for spec in (
        hook_spec(name) if name in HOOKS else None,
        topic_spec(name) if name in TYPED else None,
    ):
        if spec is not None and spec.event is event:
            return spec
    raise UsageError(
        f"{event.__name__} is neither an event nor a command's result; clnwire.hooks and "
        "clnwire.notifications have the events, clnwire.commands the results"
    )


def _least(kind: type[S]) -> S:
    return msgspec.convert(least(kind), kind)


def _changed(struct: S, changes: dict[str, Any], where: str) -> S:
    hints = get_type_hints(type(struct), include_extras=True)
    names = {each.encode_name: each.name for each in fields(struct)}
    changes = {names.get(name, name): value for name, value in changes.items()}
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


def _value(old: object, new: object, hint: Any, where: str) -> object:
    """The new value of a member; dicts in it become the Structs of the member's type."""
    for kind in get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,):
        if isinstance(new, dict) and isinstance(kind, type) and issubclass(kind, Struct):
            base = old if isinstance(old, kind) else _least(kind)
            return _changed(base, cast("dict[str, Any]", new), where)
        if isinstance(new, list) and get_origin(kind) is list:
            (item,) = get_args(kind)
            each = enumerate(cast("list[object]", new))
            return [_value(None, value, item, f"{where}[{place}]") for place, value in each]
    try:
        return msgspec.convert(new, hint)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {error}") from None


def name_of(event: Event | type[Event] | str) -> str:
    """The name of the hook or topic. Raises `UsageError` for a Struct that is not an event."""
    if isinstance(event, str):
        return event
    return spec_of(event if isinstance(event, type) else type(event)).name


def is_sample(event: object, payload: object) -> bool:
    """Whether the test gives no content, so that the event is the sample."""
    return payload is None and not isinstance(event, Event)


def payload_of(
    event: Event | type[Event] | str,
    payload: object,
    find: Callable[[str, str], SampleEvent],
    dialect: str,
) -> object:
    """The payload to send: the event, the payload, or the dialect's sample. Raises `UsageError`."""
    name = name_of(event)
    if payload is not None:
        if not isinstance(event, str):
            raise UsageError(f"{name}: a payload goes with the name, not with a Struct: '{name}'")
        return payload
    if isinstance(event, Event):
        # A plugin's topic is wrapped in an object with its name, as publishers do.
        return {name: event} if getattr(spec_of(type(event)), "wrapped", False) else event
    try:
        return find(name, dialect)
    except LookupError as error:
        raise UsageError(str(error)) from None


def answer_struct(hook: str, answer: object) -> Any:
    """The answer as the hook's Struct of that form, or unchanged if there is none."""
    if answer is True and hook == "db_write":
        # The daemon of 2019 accepts this answer.
        return CONTINUE
    members = as_object(answer)
    if hook not in HOOKS or members is None:
        return answer
    try:
        return permitted_answer(hook_spec(hook), members)
    except UsageError:
        # An answer to `rpc_command` may have any form: the daemon logs an unknown one and goes on.
        return answer
