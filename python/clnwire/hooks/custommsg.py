"""`custommsg`: a peer sent a message of a type that the daemon does not know.

Only messages with odd numbers arrive (BOLT 1). `Plugin(custom_messages=…)` announces the numbers
that peers may send, and `filters` limits the handler to the numbers that it names. `CONTINUE` is
the only answer.

Kind: chain.
Safe answer: continue, so that other plugins get the message.
Refusal: not available.
Any other answer: ends the daemon.
"""

from typing import TypeAlias

from clnwire._wire.structs import Event
from clnwire.hooks._spec import Continue, HookSpec, go_on
from clnwire.types import Hex, PublicKey


class CustomMsg(Event, frozen=True):
    """A message from a peer."""

    peer_id: PublicKey
    """The node id of the peer that sent it."""
    payload: Hex
    """The whole message: two bytes of message number (big-endian), then the content."""

    @property
    def number(self) -> int:
        """The message number: the first two bytes. Raises `ValueError` for an empty payload."""
        return int(self.payload[:4], 16)


Answer: TypeAlias = Continue

SPEC = HookSpec("custommsg", event=CustomMsg, answers=(Continue,), safe=go_on, filters=True)
