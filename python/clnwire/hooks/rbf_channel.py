"""`rbf_channel`: a peer wants to replace a channel's funding transaction by one with a higher fee.

Kind: chain; the first rejection decides, and for each field the first value that a plugin sets.
Safe answer: reject, since the plugin has not agreed to the new transaction.
Refusal: the same.
Any other answer: ends the daemon.
"""

from typing import TypeAlias

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._opening import Contribution
from clnwire.hooks._spec import Continue, HookSpec, reject
from clnwire.types import U32, ChannelId, Msat, PublicKey


class RbfChannelDetails(Event, frozen=True):
    """The replacement that the peer proposes."""

    id: PublicKey
    """The peer's node id."""
    channel_id: ChannelId
    """The channel's id."""
    their_last_funding_msat: Msat
    """The peer's contribution to the last transaction, in msat."""
    their_funding_msat: Msat
    """The peer's contribution to the new transaction, in msat."""
    our_last_funding_msat: Msat
    """This node's contribution to the last transaction, in msat."""
    funding_feerate_per_kw: U32
    """The new transaction's feerate, in sat per 1,000 weight units."""
    feerate_our_max: U32
    """The highest funding feerate that this node accepts, in sat per 1,000 weight units."""
    feerate_our_min: U32
    """The lowest funding feerate that this node accepts, in sat per 1,000 weight units."""
    channel_max_msat: Msat
    """The largest capacity that the channel may have, in msat."""
    locktime: U32
    """The new transaction's lock time."""
    require_confirmed_inputs: bool
    """Whether the peer accepts confirmed inputs only. Since v23.02; `False` before."""
    requested_lease_msat: Msat | None = None
    """The amount that the peer wants to lease from this node, in msat; `None` without a lease."""


class RbfChannel(Event, frozen=True):
    """A peer wants to replace a funding transaction."""

    rbf_channel: RbfChannelDetails
    """The replacement that the peer proposes."""


class RbfChannelContinue(Contribution, frozen=True, tag_field="result", tag="continue"):
    """Agree, and contribute. Without a contribution, answer `CONTINUE`."""


class RbfChannelReject(HookAnswer, frozen=True, tag_field="result", tag="reject"):
    """Reject the replacement."""

    error_message: str | None = None
    """Sent to the peer, if given."""


Answer: TypeAlias = Continue | RbfChannelContinue | RbfChannelReject


SPEC = HookSpec(
    "rbf_channel",
    event=RbfChannel,
    upgrade=older_form(
        "rbf_channel",
        absent={"require_confirmed_inputs": False},
        their_last_funding="their_last_funding_msat",
        their_funding="their_funding_msat",
        our_last_funding="our_last_funding_msat",
    ),
    answers=(Continue, RbfChannelContinue, RbfChannelReject),
    safe=reject,
    refusal=reject,
)
