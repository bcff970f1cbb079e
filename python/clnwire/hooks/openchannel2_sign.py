"""`openchannel2_sign`: the funding transaction of a new channel is complete, and to be signed.

When both sides have signed it is published.

Kind: chain; each plugin is asked about what the one before it answered.
Safe answer: continue with the transaction as it is.
Refusal: none.
Any other answer: ends the daemon. So does a bare `continue`, which is no answer here.
"""

from __future__ import annotations

from typing import TypeAlias

from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._spec import HookSpec, keep_psbt
from clnwire.types import ChannelId, Psbt


class OpenChannel2SignDetails(Event, frozen=True):
    """The funding transaction."""

    channel_id: ChannelId
    """The channel's id while it is negotiated."""
    psbt: Psbt
    """To be signed where the inputs are the plugin's."""


class OpenChannel2Sign(Event, frozen=True):
    """The funding transaction can be signed."""

    openchannel2_sign: OpenChannel2SignDetails
    """The transaction."""


class OpenChannel2SignContinue(HookAnswer, frozen=True, tag_field="result", tag="continue"):
    """Go on with this transaction."""

    psbt: Psbt
    """With the plugin's signatures; if it has no inputs there, the event's own."""


Answer: TypeAlias = OpenChannel2SignContinue

SPEC = HookSpec(
    "openchannel2_sign",
    event=OpenChannel2Sign,
    answers=(OpenChannel2SignContinue,),
    safe=keep_psbt,
)
