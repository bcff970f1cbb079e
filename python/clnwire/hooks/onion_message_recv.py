"""`onion_message_recv`: an onion message has come from somebody who knows this node's id.

Whoever answers such a message on another path than the one it names gives away who they are.

Kind: chain; it ends at the first answer that is no continue.
Safe answer: continue. Other plugins may want the message.
Refusal: none.
Any other answer: ends the chain, as `OnionMessageHandled` does.
"""

from __future__ import annotations

from typing import TypeAlias

from clnwire._wire.structs import Event
from clnwire.hooks._onion_message import OnionMessage, OnionMessageHandled
from clnwire.hooks._spec import Continue, HookSpec, go_on


class OnionMessageRecv(Event, frozen=True):
    """An onion message has come."""

    onion_message: OnionMessage
    """The message."""


Answer: TypeAlias = Continue | OnionMessageHandled

SPEC = HookSpec(
    "onion_message_recv",
    event=OnionMessageRecv,
    answers=(Continue, OnionMessageHandled),
    safe=go_on,
)
