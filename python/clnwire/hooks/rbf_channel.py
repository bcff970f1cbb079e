"""`rbf_channel`: a peer wants to replace a channel's funding transaction by one that pays more.

Kind: chain; the first plugin that rejects decides, and the first that sets a field.
Safe answer: reject. No new transaction without the plugin's consent.
Refusal: the same.
Any other answer: ends the daemon.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from clnwire._wire.older import rename
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._funding import Contribution
from clnwire.hooks._spec import Continue, HookSpec, reject
from clnwire.types import U32, ChannelId, Msat, PublicKey


class RbfChannelDetails(Event, frozen=True):
    """The replacement that the peer proposes."""

    id: PublicKey
    """Who proposes it."""
    channel_id: ChannelId
    """The channel."""
    their_last_funding_msat: Msat
    """What the peer put in before."""
    their_funding_msat: Msat
    """What the peer puts in now."""
    our_last_funding_msat: Msat
    """What we put in before."""
    funding_feerate_per_kw: U32
    """For the new transaction, in satoshis per 1,000 weight units."""
    feerate_our_max: U32
    """The highest feerate that we take, in satoshis per 1,000 weight units."""
    feerate_our_min: U32
    """The lowest feerate that we take, in satoshis per 1,000 weight units."""
    channel_max_msat: Msat
    """The most that this channel may hold."""
    locktime: U32
    """Of the new transaction."""
    require_confirmed_inputs: bool
    """The peer takes confirmed inputs only. Since v23.02."""
    requested_lease_msat: Msat | None = None
    """How much of our money the peer wants to rent, if it does."""


class RbfChannel(Event, frozen=True):
    """A peer wants to replace a funding transaction."""

    rbf_channel: RbfChannelDetails
    """The replacement that it proposes."""


class RbfChannelContinue(Contribution, frozen=True, tag_field="result", tag="continue"):
    """Agree, and contribute. Without a contribution, answer `CONTINUE`."""


class RbfChannelReject(HookAnswer, frozen=True, tag_field="result", tag="reject"):
    """Turn the replacement down."""

    error_message: str | None = None
    """Sent to the peer, if given."""


Answer: TypeAlias = Continue | RbfChannelContinue | RbfChannelReject


def _older(event: dict[str, Any]) -> None:
    """Until v0.12 amounts had other names."""
    channel = event["rbf_channel"]
    rename(
        channel,
        their_last_funding="their_last_funding_msat",
        their_funding="their_funding_msat",
        our_last_funding="our_last_funding_msat",
    )
    channel.setdefault("require_confirmed_inputs", False)


SPEC = HookSpec(
    "rbf_channel",
    event=RbfChannel,
    older=_older,
    answers=(Continue, RbfChannelContinue, RbfChannelReject),
    safe=reject,
    refusal=reject,
)
