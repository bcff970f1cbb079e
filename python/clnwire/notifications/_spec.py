"""What clnwire must know of a topic to deliver it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from clnwire._wire.older import event_decoder

if TYPE_CHECKING:
    from collections.abc import Callable


class TopicSpec(msgspec.Struct, frozen=True):
    """A topic and its event."""

    name: str
    """As the daemon of today calls it."""
    event: Any
    """The Struct of its payload."""
    older: Any = None
    """Changes the payload of an older daemon, decoded to a dict, to today's spelling."""
    former_names: tuple[str, ...] = ()
    """What it has been called as well."""
    wrapped: bool = False
    """It is a plugin's topic, whose publisher wraps the payload in a name as the daemon does."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that it may be called."""
        return (self.name, *self.former_names)

    def decoder(self) -> Callable[[bytes], Any]:
        """From the payload to the topic's own Struct, in whichever spelling it comes."""
        if self.wrapped:
            return _unwrapping(self.event)
        return event_decoder(self.event, self.older)


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
