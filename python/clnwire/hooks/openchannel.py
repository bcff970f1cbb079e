"""`openchannel`: a peer wants to open a channel, by version 1 of the protocol.

The event is the peer's `open_channel` message (BOLT 2) after the daemon's own first checks.

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
from clnwire.hooks._spec import Continue, HookSpec, reject
from clnwire.types import U8, U32, Hex, Msat, PublicKey, Sat, Unsigned


class OpenChannelDetails(Event, frozen=True):
    """The channel that the peer proposes."""

    id: PublicKey
    """Who proposes it."""
    funding_msat: Msat
    """The channel's capacity, all of it the peer's money."""
    push_msat: Msat
    """What of it becomes ours at once."""
    dust_limit_msat: Msat
    """The peer's commitment transactions have no outputs below it."""
    max_htlc_value_in_flight_msat: Msat
    """What may be under way to the peer at a time, at most; without a limit, 2⁶⁴ - 1."""
    channel_reserve_msat: Msat
    """What of ours must stay in the channel."""
    htlc_minimum_msat: Msat
    """The smallest HTLC that the peer takes."""
    feerate_per_kw: U32
    """For the commitment transactions, in satoshis per 1,000 weight units."""
    to_self_delay: U32
    """After we close unilaterally, how many blocks until our money is ours."""
    max_accepted_htlcs: U32
    """How many HTLCs we may offer at a time."""
    channel_flags: U8
    """Bit 0: the channel is to be announced."""
    channel_type: ChannelType
    """Since v25.09; empty from daemons before that."""
    shutdown_scriptpubkey: Hex | None = None
    """The script the peer wants its money paid to in the end, if it said so up front."""


class OpenChannel(Event, frozen=True):
    """A peer wants to open a channel."""

    openchannel: OpenChannelDetails
    """The channel that it proposes."""


class OpenChannelContinue(HookAnswer, frozen=True, tag_field="result", tag="continue"):
    """Agree, with something set. Without that, answer `CONTINUE`."""

    close_to: str | None = None
    """The address that a mutual close pays us to. One of another network ends the daemon."""
    mindepth: U32 | None = None
    """After how many confirmations the channel may be used. A low number, or 0, is for peers that
    one trusts not to spend the funding twice. Since v0.12.0."""
    reserve: Annotated[Sat, Unsigned(64)] | None = None
    """What of the peer's must stay in the channel, so that it has something to lose; raised to the
    dust limit if it is lower. Since v22.11."""


class OpenChannelReject(HookAnswer, frozen=True, tag_field="result", tag="reject"):
    """Turn the channel down."""

    error_message: str | None = None
    """Sent to the peer, if given."""


Answer: TypeAlias = Continue | OpenChannelContinue | OpenChannelReject


def _older(event: dict[str, Any]) -> None:
    """Until v0.12 amounts had other names; until v25.09 there was no channel type."""
    channel = event["openchannel"]
    rename(
        channel,
        funding_satoshis="funding_msat",
        dust_limit_satoshis="dust_limit_msat",
        channel_reserve_satoshis="channel_reserve_msat",
    )
    channel.setdefault("channel_type", {"bits": [], "names": []})


SPEC = HookSpec(
    "openchannel",
    event=OpenChannel,
    older=_older,
    answers=(Continue, OpenChannelContinue, OpenChannelReject),
    safe=reject,
    refusal=reject,
)
