"""What the hooks about a peer that opens a channel have in common."""

from typing import Annotated, Any, Final

from clnwire._wire.structs import Event, HookAnswer
from clnwire.types import U32, Msat, Psbt, Unsigned

__all__ = ["ChannelType"]


class ChannelType(Event, frozen=True):
    """The feature bits that define the channel's type (BOLT 2)."""

    bits: list[U32]
    """Numbers of the feature bits (BOLT 9)."""
    names: list[str]
    """Names of the feature bits, in the same order. For people: the daemon may change them."""


NO_CHANNEL_TYPE: Final[dict[str, Any]] = {"bits": [], "names": []}
"""Stands for the channel type in events of daemons before v25.09, which do not send it."""


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
