"""`onion_message_recv`: an unsolicited onion message has arrived; the sender knows this node's id.

Reply only over the message's `reply_blindedpath`: a reply over another path reveals this node's
identity and position.

Kind: chain; the first answer other than continue ends it.
Safe answer: continue, so that other plugins get the message.
Refusal: not available.
Any other answer: ends the chain, as `OnionMessageHandled` does.
"""

from typing import TypeAlias

from clnwire._wire.structs import Event
from clnwire.hooks._onion_message import OnionMessage, OnionMessageHandled
from clnwire.hooks._spec import Continue, HookSpec, go_on


class OnionMessageRecv(Event, frozen=True):
    """An onion message has arrived."""

    onion_message: OnionMessage
    """The message."""


Answer: TypeAlias = Continue | OnionMessageHandled

SPEC = HookSpec(
    "onion_message_recv",
    event=OnionMessageRecv,
    answers=(Continue, OnionMessageHandled),
    safe=go_on,
)
