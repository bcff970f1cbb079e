"""`openchannel2_sign`: the funding transaction of a new channel is ready to be signed.

The transaction is published when both sides have signed it.

Kind: chain; each plugin gets the transaction that the plugin before it returned.
Safe answer: continue with the transaction as proposed.
Refusal: not available.
Any other answer: ends the daemon; so does a `continue` without a `psbt`.
"""

from typing import TypeAlias

from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._spec import HookSpec, keep_psbt
from clnwire.types import ChannelId, Psbt


class OpenChannel2SignDetails(Event, frozen=True):
    """The funding transaction."""

    channel_id: ChannelId
    """The channel's temporary id during the negotiation."""
    psbt: Psbt
    """The PSBT in base64. The plugin signs its own inputs."""


class OpenChannel2Sign(Event, frozen=True):
    """The funding transaction is ready to be signed."""

    openchannel2_sign: OpenChannel2SignDetails
    """The transaction."""


class OpenChannel2SignContinue(HookAnswer, frozen=True, tag_field="result", tag="continue"):
    """Go on with this transaction."""

    psbt: Psbt
    """The PSBT with the plugin's signatures; unchanged if no input is the plugin's."""


Answer: TypeAlias = OpenChannel2SignContinue

SPEC = HookSpec(
    "openchannel2_sign", event=OpenChannel2Sign, answers=(OpenChannel2SignContinue,), safe=keep_psbt
)
