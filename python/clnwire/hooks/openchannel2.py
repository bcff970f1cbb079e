"""`openchannel2`: a peer wants to open a channel that both sides may fund (dual funding).

The event is the peer's `open_channel2` message (BOLT 2) after the daemon's own first checks.

Kind: chain; the first rejection decides, and for each field the first value that a plugin sets.
Safe answer: reject, since the plugin has not agreed to the channel.
Refusal: the same.
Any other answer: ends the daemon; so does a `close_to` of another network.
"""

from typing import Annotated, TypeAlias

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._opening import NO_CHANNEL_TYPE, ChannelType, Contribution
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
    """The peer's node id."""
    channel_id: ChannelId
    """The channel's temporary id during the negotiation."""
    their_funding_msat: Msat
    """The peer's contribution to the funding, in msat."""
    dust_limit_msat: Msat
    """The peer's commitment transactions have no outputs below this, in msat."""
    max_htlc_value_in_flight_msat: Msat
    """The most that this node's HTLCs in flight may sum up to, in msat; 2⁶⁴ - 1 is no limit."""
    htlc_minimum_msat: Msat
    """The smallest HTLC that the peer accepts, in msat."""
    funding_feerate_per_kw: U32
    """The funding transaction's feerate, in sat per 1,000 weight units."""
    commitment_feerate_per_kw: U32
    """The commitment transactions' feerate, in sat per 1,000 weight units."""
    feerate_our_max: U32
    """The highest commitment feerate that this node accepts, in sat per 1,000 weight units."""
    feerate_our_min: U32
    """The lowest commitment feerate that this node accepts, in sat per 1,000 weight units."""
    to_self_delay: U16
    """The blocks that this node waits for its money after it closes the channel unilaterally."""
    max_accepted_htlcs: U16
    """The number of HTLCs that this node may offer at a time."""
    channel_flags: U8
    """Flags of BOLT 2. Bit 0, `announce_channel`: the channel is to be announced."""
    locktime: U32
    """The funding transaction's lock time."""
    channel_max_msat: Msat
    """The largest capacity that the channel may have, in msat."""
    require_confirmed_inputs: bool
    """Whether the peer accepts confirmed inputs only. Since v23.02; `False` before."""
    channel_type: ChannelType
    """The channel's type. Since v25.09; empty from earlier daemons."""
    shutdown_scriptpubkey: Hex | None = None
    """The script that a mutual close pays the peer to. `None` if the peer did not commit to one."""
    requested_lease_msat: Msat | None = None
    """The amount that the peer wants to lease from this node, in msat; `None` without a lease."""
    lease_blockheight_start: BlockHeight | None = None
    """The block height at which the lease would start. `None` without `requested_lease_msat`."""
    node_blockheight: BlockHeight | None = None
    """This node's current block height. `None` without `requested_lease_msat`."""


class OpenChannel2(Event, frozen=True):
    """A peer wants to open a channel."""

    openchannel2: OpenChannel2Details
    """The channel that the peer proposes."""


class OpenChannel2Continue(Contribution, frozen=True, tag_field="result", tag="continue"):
    """Agree, and set some of these. Without changes, answer `CONTINUE`. The last five members are
    the terms of a lease that the peer asked for: give all of them, or none."""

    close_to: str | None = None
    """This node's address for a mutual close. One of another network ends the daemon."""
    lease_fee_base_msat: Annotated[Msat, Unsigned(64)] | None = None
    """The lease's fixed fee in msat, a whole number of satoshis."""
    lease_fee_basis: U16 | None = None
    """The lease's proportional fee in basis points (1/10,000) of the leased amount."""
    funding_weight: U16 | None = None
    """The weight units of the funding transaction that the peer pays for."""
    channel_fee_max_base_msat: Annotated[Msat, Unsigned(32)] | None = None
    """The highest base fee, in msat, that this node will charge for forwarding over the channel."""
    channel_fee_max_proportional_thousandths: U16 | None = None
    """The highest proportional fee, in thousandths of the amount, that this node will charge."""

    def __post_init__(self) -> None:
        super().__post_init__()
        lease = [getattr(self, name) is None for name in _LEASE]
        if any(lease) and not all(lease):
            together = ", ".join(_LEASE[1:])
            self._refuse("lease_fee_base_msat", f"and {together} must be given together")
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
    """Reject the channel."""

    error_message: str | None = None
    """Sent to the peer, if given."""


Answer: TypeAlias = Continue | OpenChannel2Continue | OpenChannel2Reject


SPEC = HookSpec(
    "openchannel2",
    event=OpenChannel2,
    upgrade=older_form(
        "openchannel2",
        absent={"require_confirmed_inputs": False, "channel_type": NO_CHANNEL_TYPE},
        their_funding="their_funding_msat",
        dust_limit_satoshis="dust_limit_msat",
    ),
    answers=(Continue, OpenChannel2Continue, OpenChannel2Reject),
    safe=reject,
    refusal=reject,
)
