"""`openchannel2_changed`: the peer has changed the funding transaction of a new channel.

It goes back and forth until neither side changes anything.

Kind: chain; each plugin is asked about what the one before it answered.
Safe answer: continue with the transaction as it is.
Refusal: none.
Any other answer: ends the daemon. So does a bare `continue`, which is no answer here.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._spec import HookSpec, keep_psbt
from clnwire.types import ChannelId, Psbt


class OpenChannel2ChangedDetails(Event, frozen=True):
    """The funding transaction as it is now."""

    channel_id: ChannelId
    """The channel's id while it is negotiated."""
    psbt: Psbt
    """With the contributions of both sides."""
    require_confirmed_inputs: bool
    """The peer takes confirmed inputs only. Since v23.02."""


class OpenChannel2Changed(Event, frozen=True):
    """The funding transaction has changed."""

    openchannel2_changed: OpenChannel2ChangedDetails
    """The transaction."""


class OpenChannel2ChangedContinue(HookAnswer, frozen=True, tag_field="result", tag="continue"):
    """Go on with this transaction."""

    psbt: Psbt
    """The event's own, or one that has been changed."""


Answer: TypeAlias = OpenChannel2ChangedContinue


def _older(event: dict[str, Any]) -> None:
    event["openchannel2_changed"].setdefault("require_confirmed_inputs", False)


SPEC = HookSpec(
    "openchannel2_changed",
    event=OpenChannel2Changed,
    older=_older,
    answers=(OpenChannel2ChangedContinue,),
    safe=keep_psbt,
)
