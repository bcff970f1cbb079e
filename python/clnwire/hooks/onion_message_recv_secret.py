"""`onion_message_recv_secret`: an onion message has arrived over a blinded path of this node.

Kind: chain; the first answer other than continue ends it.
Safe answer: continue, so that other plugins get the message.
Refusal: not available.
Any other answer: ends the chain, as `OnionMessageHandled` does.
"""

from typing import TypeAlias

from clnwire._wire.structs import Event
from clnwire.hooks._onion_message import OnionMessage, OnionMessageHandled
from clnwire.hooks._spec import Continue, HookSpec, go_on
from clnwire.types import Secret


class SecretOnionMessage(OnionMessage, frozen=True, kw_only=True):
    """The message, and the secret of the blinded path that it used."""

    pathsecret: Secret
    """The secret that identifies the blinded path. Before replying, compare it with the secret of
    the path that this node gave out; otherwise anyone can probe how this node replies."""


class OnionMessageRecvSecret(Event, frozen=True):
    """An onion message has arrived over a blinded path of this node."""

    onion_message: SecretOnionMessage
    """The message."""


Answer: TypeAlias = Continue | OnionMessageHandled

SPEC = HookSpec(
    "onion_message_recv_secret",
    event=OnionMessageRecvSecret,
    answers=(Continue, OnionMessageHandled),
    safe=go_on,
)
