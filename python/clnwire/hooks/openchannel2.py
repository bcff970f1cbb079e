"""`openchannel2`: a peer wants to open a channel to which both may contribute.

The event is the peer's `open_channel2` message (BOLT 2) after the daemon's own first checks.

Kind: chain; the first plugin that rejects decides, and the first that sets a field.
Safe answer: reject. No channel without the plugin's consent.
Refusal: the same.
Any other answer: ends the daemon, and so does a `close_to` of another network.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from clnwire._wire.older import rename
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._channel_type import ChannelType
from clnwire.hooks._funding import Contribution
from clnwire.hooks._spec import Continue, HookSpec, reject
from clnwire.types import (
    MSAT_PER_SAT,
    U8,
    U16,
    U32,
    BlockHeight,
    ChannelId,
    Hex,
    Msat,
    PublicKey,
    Unsigned,
)


class OpenChannel2Details(Event, frozen=True):
    """The channel that the peer proposes."""

    id: PublicKey
    """Who proposes it."""
    channel_id: ChannelId
    """The channel's id while it is negotiated."""
    their_funding_msat: Msat
    """What the peer puts in."""
    dust_limit_msat: Msat
    """The peer's commitment transactions have no outputs below it."""
    max_htlc_value_in_flight_msat: Msat
    """What may be under way to the peer at a time, at most; without a limit, 2⁶⁴ - 1."""
    htlc_minimum_msat: Msat
    """The smallest HTLC that the peer takes."""
    funding_feerate_per_kw: U32
    """For the funding transaction, in satoshis per 1,000 weight units."""
    commitment_feerate_per_kw: U32
    """For the commitment transactions, in satoshis per 1,000 weight units."""
    feerate_our_max: U32
    """The highest feerate that we take, in satoshis per 1,000 weight units."""
    feerate_our_min: U32
    """The lowest feerate that we take, in satoshis per 1,000 weight units."""
    to_self_delay: U16
    """After we close unilaterally, how many blocks until our money is ours."""
    max_accepted_htlcs: U16
    """How many HTLCs we may offer at a time."""
    channel_flags: U8
    """Bit 0: the channel is to be announced."""
    locktime: U32
    """Of the funding transaction."""
    channel_max_msat: Msat
    """The most that this channel may hold."""
    require_confirmed_inputs: bool
    """The peer takes confirmed inputs only. Since v23.02."""
    channel_type: ChannelType
    """Since v25.09; empty from daemons before that."""
    shutdown_scriptpubkey: Hex | None = None
    """The script the peer wants its money paid to in the end, if it said so up front."""
    requested_lease_msat: Msat | None = None
    """How much of our money the peer wants to rent, if it does."""
    lease_blockheight_start: BlockHeight | None = None
    """When the lease would begin; with `requested_lease_msat`."""
    node_blockheight: BlockHeight | None = None
    """The height of our chain; with `requested_lease_msat`."""


class OpenChannel2(Event, frozen=True):
    """A peer wants to open a channel."""

    openchannel2: OpenChannel2Details
    """The channel that it proposes."""


class OpenChannel2Continue(Contribution, frozen=True, tag_field="result", tag="continue"):
    """Agree, with something set. Without that, answer `CONTINUE`.

    The last five are what a lease costs, for a peer that asked for one: all of them, or none.
    """

    close_to: str | None = None
    """The address that a mutual close pays us to. One of another network ends the daemon."""
    lease_fee_base_msat: Annotated[Msat, Unsigned(64)] | None = None
    """What the lease costs in any case, in whole satoshis."""
    lease_fee_basis: U16 | None = None
    """What it costs besides, in hundredths of a percent of the leased amount."""
    funding_weight: U16 | None = None
    """How many weight units of the funding transaction the peer pays for."""
    channel_fee_max_base_msat: Annotated[Msat, Unsigned(32)] | None = None
    """The highest base fee that we will ask for forwarding over the channel."""
    channel_fee_max_proportional_thousandths: U16 | None = None
    """The highest proportional fee that we will ask for, in thousandths."""

    def __post_init__(self) -> None:
        super().__post_init__()
        lease = [getattr(self, name) is None for name in _LEASE]
        if any(lease) and not all(lease):
            self._refuse("lease_fee_base_msat", f"and {', '.join(_LEASE[1:])} go together")
        if (self.lease_fee_base_msat or 0) % MSAT_PER_SAT:
            self._refuse("lease_fee_base_msat", "must be a whole number of satoshis")


_LEASE = (
    "lease_fee_base_msat",
    "lease_fee_basis",
    "funding_weight",
    "channel_fee_max_base_msat",
    "channel_fee_max_proportional_thousandths",
)


class OpenChannel2Reject(HookAnswer, frozen=True, tag_field="result", tag="reject"):
    """Turn the channel down."""

    error_message: str | None = None
    """Sent to the peer, if given."""


Answer: TypeAlias = Continue | OpenChannel2Continue | OpenChannel2Reject


def _older(event: dict[str, Any]) -> None:
    """Until v0.12 amounts had other names; until v25.09 there was no channel type."""
    channel = event["openchannel2"]
    rename(channel, their_funding="their_funding_msat", dust_limit_satoshis="dust_limit_msat")
    channel.setdefault("require_confirmed_inputs", False)
    channel.setdefault("channel_type", {"bits": [], "names": []})


SPEC = HookSpec(
    "openchannel2",
    event=OpenChannel2,
    older=_older,
    answers=(Continue, OpenChannel2Continue, OpenChannel2Reject),
    safe=reject,
    refusal=reject,
)
