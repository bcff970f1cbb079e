"""`onion_message_recv_secret`: an onion message has come on a blinded path of this node's making.

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
from clnwire.types import Secret


class SecretOnionMessage(OnionMessage, frozen=True, kw_only=True):
    """The message, and the path that it took."""

    pathsecret: Secret
    """Which of our paths it came on. To be compared before one replies: otherwise anybody could
    find out what this node answers."""


class OnionMessageRecvSecret(Event, frozen=True):
    """An onion message has come on a path of ours."""

    onion_message: SecretOnionMessage
    """The message."""


Answer: TypeAlias = Continue | OnionMessageHandled

SPEC = HookSpec(
    "onion_message_recv_secret",
    event=OnionMessageRecvSecret,
    answers=(Continue, OnionMessageHandled),
    safe=go_on,
)
