"""`openchannel2_changed`: the peer has changed the funding transaction of a new channel.

The two sides take turns until neither changes the transaction.

Kind: chain; each plugin gets the transaction that the plugin before it returned.
Safe answer: continue with the transaction as proposed.
Refusal: not available.
Any other answer: ends the daemon; so does a `continue` without a `psbt`.
"""

from typing import TypeAlias

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._spec import HookSpec, keep_psbt
from clnwire.types import ChannelId, Psbt


class OpenChannel2ChangedDetails(Event, frozen=True):
    """The current funding transaction."""

    channel_id: ChannelId
    """The channel's temporary id during the negotiation."""
    psbt: Psbt
    """The PSBT in base64, with the contributions of both sides."""
    require_confirmed_inputs: bool
    """Whether the peer accepts confirmed inputs only. Since v23.02; `False` before."""


class OpenChannel2Changed(Event, frozen=True):
    """The funding transaction has changed."""

    openchannel2_changed: OpenChannel2ChangedDetails
    """The current transaction."""


class OpenChannel2ChangedContinue(HookAnswer, frozen=True, tag_field="result", tag="continue"):
    """Go on with this transaction."""

    psbt: Psbt
    """The PSBT of the event, unchanged or changed."""


Answer: TypeAlias = OpenChannel2ChangedContinue


SPEC = HookSpec(
    "openchannel2_changed",
    event=OpenChannel2Changed,
    upgrade=older_form("openchannel2_changed", absent={"require_confirmed_inputs": False}),
    answers=(OpenChannel2ChangedContinue,),
    safe=keep_psbt,
)
