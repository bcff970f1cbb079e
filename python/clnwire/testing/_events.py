"""Converts a test's events to payloads, and the answers to Structs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clnwire._wire.structs import Event
from clnwire.errors import UsageError
from clnwire.hooks._answers import permitted_answer
from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.hooks._spec import CONTINUE
from clnwire.host.rules.decoding import as_object
from clnwire.testing._samples import spec_of

__tracebackhide__ = True

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire.host.rules.samples import Event as SampleEvent


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
