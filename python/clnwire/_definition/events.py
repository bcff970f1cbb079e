"""Hooks, subscriptions and topics as they were registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from clnwire._definition.functions import is_async
from clnwire._definition.signature import event_parameter, read_signature, refuse_async_in_thread
from clnwire._wire.older import event_decoder
from clnwire.errors import UsageError
from clnwire.hooks._answers import on_failure_of
from clnwire.hooks._catalogue import hook_spec
from clnwire.notifications._catalogue import topic_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._definition.signature import Signature
    from clnwire.hooks._spec import HookSpec
    from clnwire.notifications._spec import TopicSpec


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
    ) -> None:
        self.name, self.function, self.thread = name, function, thread
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
        self, topic: str, function: Callable[..., object], *, thread: bool = False
    ) -> None:
        self.topic, self.function, self.thread = topic, function, thread
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


def _decoder(signature: Signature, spec: HookSpec | TopicSpec | None, what: str) -> Any:
    """The decoder from a message's JSON text to the type of the handler's parameter.

    `None` if the handler takes the text itself. Raises `UsageError` for a type that msgspec cannot
    decode to.
    """
    expected = event_parameter(signature, what)
    if expected is bytes:
        return _after_read(spec, None)
    if expected is msgspec.Raw:
        return _after_read(spec, msgspec.Raw)
    if spec is not None and spec.event is not None and expected in (Any, spec.event):
        return spec.decoder()
    try:
        return _after_read(spec, event_decoder(expected))
    except TypeError as error:
        raise UsageError(f"{what}: the event cannot be decoded to {expected}: {error}") from None


def _after_read(
    spec: HookSpec | TopicSpec | None, decode: Callable[[bytes], object] | None
) -> Callable[[bytes], object] | None:
    """`decode` after `spec.read`, which some hooks use to read the text as lightningd does."""
    read: Callable[[bytes], bytes] | None = getattr(spec, "read", None)
    if read is None or decode is None:
        return decode or read
    return lambda text: decode(read(text))
