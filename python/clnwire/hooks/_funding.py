"""What an answer says to put money of ours into a channel that a peer opens."""

from __future__ import annotations

from typing import Annotated

from clnwire._wire.structs import HookAnswer
from clnwire.types import Msat, Psbt, Unsigned


class Contribution(HookAnswer, frozen=True):
    """Money of ours for the funding transaction: both members, or neither."""

    psbt: Psbt | None = None
    """A transaction with our inputs and our change, but without the channel's own output."""
    our_funding_msat: Annotated[Msat, Unsigned(64)] | None = None
    """What of our inputs goes into the channel. With a `psbt` but without this, or with 0, the
    daemon would end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.psbt is None) != (not self.our_funding_msat):
            self._refuse("psbt", "and our_funding_msat (not 0) go together, or not at all")
