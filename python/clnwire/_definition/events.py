"""Hooks, subscriptions and topics as they were registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from clnwire._definition.functions import is_async
from clnwire._definition.signature import event_parameter, read_signature, refuse_async_in_thread
from clnwire._wire.older import event_decoder
from clnwire._wire.structs import Event, HookAnswer
from clnwire.errors import UsageError
from clnwire.hooks._answers import on_failure_of
from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.notifications._catalogue import FORMER_NAMES, TYPED, topic_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._definition.signature import Signature
    from clnwire.hooks._spec import HookSpec
    from clnwire.notifications._spec import TopicSpec


ALMOST_EQUAL: Final = 0.85
"""How alike a topic and a known one are, from 0 to 1, if the topic is taken for misspelt."""


class Hook:
    """A hook as it was registered."""

    def __init__(
        self,
        name: str,
        function: Callable[..., object],
        *,
        before: list[str],
        after: list[str],
        filters: list[str | int],
        on_failure: object = None,
        thread: bool = False,
        unknown: bool = False,
    ) -> None:
        self.name, self.function, self.thread = name, function, thread
        if not unknown:
            _must_be_known(name)
        self.is_async = is_async(function)
        refuse_async_in_thread(function, f"hook '{name}'", thread=thread)
        self.before, self.after, self.filters = before, after, filters
        self.spec = hook_spec(name)
        if filters and not self.spec.filters:
            raise UsageError(f"hook '{name}' takes no filters; only rpc_command and custommsg do")
        self.on_failure = on_failure_of(self.spec, on_failure)
        self.signature = read_signature(function, f"hook '{name}'")
        self.decode = _decoder(self.signature, self.spec, f"hook '{name}'")


class Subscription:
    """A subscription as it was registered."""

    def __init__(
        self,
        topic: str,
        function: Callable[..., object],
        *,
        thread: bool = False,
        unknown: bool = False,
    ) -> None:
        self.topic, self.function, self.thread = topic, function, thread
        if not unknown:
            _must_not_be_misspelt(topic)
        what = f"subscription to '{topic}'"
        self.is_async = is_async(function)
        refuse_async_in_thread(function, what, thread=thread)
        self.signature = read_signature(function, what)
        spec = topic_spec(topic)
        self.topics = (topic,) if spec is None else spec.names
        """All names under which daemons publish the topic (some were renamed)."""
        self.decode = _decoder(self.signature, spec, what)


class Topic:
    """A custom topic that the plugin announces and publishes to."""

    __slots__ = ("_notify", "name")

    def __init__(self, notify: Callable[[str, object], None], name: str) -> None:
        self._notify, self.name = notify, name

    def __repr__(self) -> str:
        return f"<Topic {self.name!r}>"

    def publish(self, payload: object) -> None:
        """Sends the payload to the topic's subscribers. Thread-safe.

        Raises `NotReadyError` if the plugin does not run, and `TypeError` or `ValueError` if JSON
        cannot express the payload.
        """
        self._notify(self.name, payload)


def _must_be_known(hook: str) -> None:
    if hook not in HOOKS:
        from clnwire._wire.nearest import did_you_mean

        raise UsageError(
            f"hook '{hook}': lightningd has no such hook{did_you_mean(hook, HOOKS)}; "
            "for one of a newer lightningd, pass unknown=True"
        )


def _must_not_be_misspelt(topic: str) -> None:
    """Other plugins publish topics of any name, so only what is almost a known name is refused."""
    if topic in TYPED or topic == "*" or topic in FORMER_NAMES:
        return
    from clnwire._wire.nearest import nearest

    near = nearest(topic, TYPED, ALMOST_EQUAL)
    if near is not None:
        raise UsageError(
            f"subscription to '{topic}': lightningd has no such topic; did you mean '{near}'? "
            "For a topic of another plugin, pass unknown=True"
        )


def _decoder(signature: Signature, spec: HookSpec | TopicSpec | None, what: str) -> Any:
    """The decoder from a message's JSON text to the type of the handler's parameter.

    `None` if the handler takes the text itself. Raises `UsageError` for a type that msgspec cannot
    decode to.
    """
    event = None if spec is None else spec.event
    expected = event_parameter(signature, what, event)
    _refuse_other_event(expected, event, what)
    if expected is bytes:
        return _after_read(spec, None)
    if expected is msgspec.Raw:
        return _after_read(spec, msgspec.Raw)
    if spec is not None and event is not None and expected in (Any, event):
        return spec.decoder()
    try:
        return _after_read(spec, event_decoder(expected))
    except TypeError as error:
        raise UsageError(f"{what}: the event cannot be decoded to {expected}: {error}") from None


def _refuse_other_event(expected: Any, event: Any, what: str) -> None:
    """Raises `UsageError` for the Struct of another event, whose members would not be there."""
    is_struct = isinstance(expected, type) and issubclass(expected, (Event, HookAnswer))
    if not is_struct or event is None or not expected.__module__.startswith("clnwire."):
        return
    if not issubclass(expected, event) and not issubclass(event, expected):
        raise UsageError(
            f"{what}: {expected.__name__} is not its event; annotate the parameter as "
            f"{event.__name__}"
        )


def _after_read(
    spec: HookSpec | TopicSpec | None, decode: Callable[[bytes], object] | None
) -> Callable[[bytes], object] | None:
    """`decode` after `spec.read`, which some hooks use to read the text as lightningd does."""
    read: Callable[[bytes], bytes] | None = getattr(spec, "read", None)
    if read is None or decode is None:
        return decode or read
    return lambda text: decode(read(text))
