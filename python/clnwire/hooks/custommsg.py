"""`custommsg`: a peer sent a message that the daemon itself does not know.

Only messages with odd numbers arrive (BOLT 1); which ones peers may send is said with
`Plugin(custom_messages=…)`, and `filters` keeps all others away from the handler. The answer
changes nothing: it only says that the plugin is done.

Kind: chain.
Safe answer: continue. Other plugins may want the message.
Refusal: none.
Any other answer: ends the daemon.
"""

from __future__ import annotations

from typing import TypeAlias

from clnwire._wire.structs import Event
from clnwire.hooks._spec import Continue, HookSpec, go_on
from clnwire.types import Hex, PublicKey


class CustomMsg(Event, frozen=True):
    """A peer's message."""

    peer_id: PublicKey
    """Who sent it."""
    payload: Hex
    """The whole message: two bytes of message number, then its content."""

    @property
    def number(self) -> int:
        """The message's number, from its first two bytes. Raises `ValueError` without them."""
        return int(self.payload[:4], 16)


Answer: TypeAlias = Continue

SPEC = HookSpec("custommsg", event=CustomMsg, answers=(Continue,), safe=go_on, filters=True)
