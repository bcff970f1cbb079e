"""The members of an answer that put this node's money into a channel that a peer opens."""

from typing import Annotated

from clnwire._wire.structs import HookAnswer
from clnwire.types import Msat, Psbt, Unsigned


class Contribution(HookAnswer, frozen=True):
    """This node's contribution to the funding transaction. Give both members, or neither."""

    psbt: Psbt | None = None
    """A PSBT in base64 with this node's inputs and its change output, without the channel's
    output."""
    our_funding_msat: Annotated[Msat, Unsigned(64)] | None = None
    """How much of the inputs goes into the channel, in msat; no output of `psbt` may include it.
    The daemon ends if `psbt` is given without it, or with 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.psbt is None) != (not self.our_funding_msat):
            self._refuse("psbt", "and our_funding_msat (not 0) must be given together")
