"""How clnwire describes a topic: its names, its event, and the differences of older daemons."""

from collections.abc import Callable
from typing import Any

import msgspec

from clnwire._wire.older import event_decoder


class TopicSpec(msgspec.Struct, frozen=True):
    """A topic and its event."""

    name: str
    """The topic's name in today's daemon."""
    event: Any
    """The Struct of the payload."""
    upgrade: Any = None
    """Changes an older daemon's payload, decoded to a dict, to today's form."""
    former_names: tuple[str, ...] = ()
    """Other names of the topic, such as those of older daemons."""
    wrapped: bool = False
    """Whether a plugin publishes the topic and wraps the payload in an object with one member."""

    @property
    def names(self) -> tuple[str, ...]:
        """Today's name and the former ones."""
        return (self.name, *self.former_names)

    def decoder(self) -> Callable[[bytes], Any]:
        """The decoder from the payload to the event's Struct, for every daemon's form."""
        if self.wrapped:
            return _unwrapping(self.event)
        return event_decoder(self.event, self.upgrade)


def _unwrapping(event: Any) -> Callable[[bytes], Any]:
    decode_wrapped = msgspec.json.Decoder(dict[str, event]).decode
    decode_bare = msgspec.json.Decoder(event).decode

    def decode(payload: bytes) -> Any:
        try:
            (unwrapped,) = decode_wrapped(payload).values()
        except ValueError:
            return decode_bare(payload)
        return unwrapped

    return decode
