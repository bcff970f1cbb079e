"""What the hooks about a peer that opens a channel have in common."""

from typing import Annotated, Any, Final

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event, HookAnswer
from clnwire.types import MSAT_PER_SAT, U16, U32, Msat, Psbt, Unsigned

__all__ = ["ChannelType"]


class ChannelType(Event, frozen=True):
    """The feature bits that define the channel's type (BOLT 2)."""

    bits: list[U32]
    """Numbers of the feature bits (BOLT 9)."""
    names: list[str]
    """Names of the feature bits, in the same order. For people: the daemon may change them."""


class Contribution(HookAnswer, frozen=True):
    """This node's contribution to the funding transaction. Give both members, or neither."""

    psbt: Psbt | None = None
    """A PSBT in base64 with this node's inputs and change output, but not the channel's output."""
    our_funding_msat: Annotated[Msat, Unsigned(64)] | None = None
    """How much of the inputs goes into the channel, in msat; no output of `psbt` may include it.
    The daemon ends if `psbt` is given without it, or with 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.psbt is None) != (not self.our_funding_msat):
            self._refuse("psbt", "and our_funding_msat (not 0) must be given together")


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


_NO_TYPE: Final[dict[str, Any]] = {"channel_type": {"bits": [], "names": []}}
"""Stands for the channel type in events of daemons before v25.09, which do not send it."""
_UNCONFIRMED: Final[dict[str, Any]] = {"require_confirmed_inputs": False}

older_openchannel = older_form(
    "openchannel",
    absent=_NO_TYPE,
    funding_satoshis="funding_msat",
    dust_limit_satoshis="dust_limit_msat",
    channel_reserve_satoshis="channel_reserve_msat",
)
older_openchannel2 = older_form(
    "openchannel2",
    absent={**_UNCONFIRMED, **_NO_TYPE},
    their_funding="their_funding_msat",
    dust_limit_satoshis="dust_limit_msat",
)
older_openchannel2_changed = older_form("openchannel2_changed", absent=_UNCONFIRMED)
older_rbf_channel = older_form(
    "rbf_channel",
    absent=_UNCONFIRMED,
    their_last_funding="their_last_funding_msat",
    their_funding="their_funding_msat",
    our_last_funding="our_last_funding_msat",
)
