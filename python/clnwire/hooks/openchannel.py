"""`openchannel`: a peer wants to open a channel with version 1 of channel establishment.

The event is the peer's `open_channel` message (BOLT 2) after the daemon's own first checks.

Kind: chain; the first rejection decides, and for each field the first value that a plugin sets.
Safe answer: reject, since the plugin has not agreed to the channel.
Refusal: the same.
Any other answer: ends the daemon; so does a `close_to` of another network.
"""

from typing import Annotated, TypeAlias

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._opening import NO_CHANNEL_TYPE, ChannelType
from clnwire.hooks._spec import Continue, HookSpec, reject
from clnwire.types import U8, U32, Hex, Msat, PublicKey, Sat, Unsigned


class OpenChannelDetails(Event, frozen=True):
    """The channel that the peer proposes."""

    id: PublicKey
    """The peer's node id."""
    funding_msat: Msat
    """The channel's capacity in msat, funded by the peer alone."""
    push_msat: Msat
    """The part of `funding_msat` that this node gets at once, in msat."""
    dust_limit_msat: Msat
    """The peer's commitment transactions have no outputs below this, in msat."""
    max_htlc_value_in_flight_msat: Msat
    """The most that this node's HTLCs in flight may sum up to, in msat; 2⁶⁴ - 1 is no limit."""
    channel_reserve_msat: Msat
    """The amount that this node must keep in the channel, in msat."""
    htlc_minimum_msat: Msat
    """The smallest HTLC that the peer accepts, in msat."""
    feerate_per_kw: U32
    """The commitment transactions' feerate, in sat per 1,000 weight units."""
    to_self_delay: U32
    """The blocks that this node waits for its money after it closes the channel unilaterally."""
    max_accepted_htlcs: U32
    """The number of HTLCs that this node may offer at a time."""
    channel_flags: U8
    """Flags of BOLT 2. Bit 0, `announce_channel`: the channel is to be announced."""
    channel_type: ChannelType
    """The channel's type. Since v25.09; empty from earlier daemons."""
    shutdown_scriptpubkey: Hex | None = None
    """The script that a mutual close pays the peer to. `None` if the peer did not commit to one."""


class OpenChannel(Event, frozen=True):
    """A peer wants to open a channel."""

    openchannel: OpenChannelDetails
    """The channel that the peer proposes."""


class OpenChannelContinue(HookAnswer, frozen=True, tag_field="result", tag="continue"):
    """Agree, and set some of these. Without changes, answer `CONTINUE`."""

    close_to: str | None = None
    """This node's address for a mutual close. One of another network ends the daemon."""
    mindepth: U32 | None = None
    """The confirmations after which the channel may be used. Set 0 or a low number only for peers
    that you trust not to double-spend the funding. Since v0.12.0."""
    reserve: Annotated[Sat, Unsigned(64)] | None = None
    """The amount that the peer must keep in the channel, in sat, so that it has something to lose.
    The daemon raises it to the dust limit if it is lower. Since v22.11."""


class OpenChannelReject(HookAnswer, frozen=True, tag_field="result", tag="reject"):
    """Reject the channel."""

    error_message: str | None = None
    """Sent to the peer, if given."""


Answer: TypeAlias = Continue | OpenChannelContinue | OpenChannelReject


SPEC = HookSpec(
    "openchannel",
    event=OpenChannel,
    upgrade=older_form(
        "openchannel",
        absent={"channel_type": NO_CHANNEL_TYPE},
        funding_satoshis="funding_msat",
        dust_limit_satoshis="dust_limit_msat",
        channel_reserve_satoshis="channel_reserve_msat",
    ),
    answers=(Continue, OpenChannelContinue, OpenChannelReject),
    safe=reject,
    refusal=reject,
)
