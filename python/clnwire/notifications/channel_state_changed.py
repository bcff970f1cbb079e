"""`channel_state_changed`: a channel has gone from one state to the next."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import ChannelId, Known, PublicKey, ShortChannelId

_ALIVE: Final = (
    "OPENINGD",
    "CHANNELD_AWAITING_LOCKIN",
    "CHANNELD_NORMAL",
    "CHANNELD_SHUTTING_DOWN",
    "CLOSINGD_SIGEXCHANGE",
    "CLOSINGD_COMPLETE",
    "AWAITING_UNILATERAL",
    "FUNDING_SPEND_SEEN",
    "ONCHAIN",
    "DUALOPEND_OPEN_INIT",
    "DUALOPEND_AWAITING_LOCKIN",
    "CHANNELD_AWAITING_SPLICE",
    "DUALOPEND_OPEN_COMMITTED",
    "DUALOPEND_OPEN_COMMIT_READY",
)

OldState: TypeAlias = Annotated[str, Known(_ALIVE)]
"""In `CHANNELD_NORMAL` and `CHANNELD_AWAITING_SPLICE` the channel can be used."""
NewState: TypeAlias = Annotated[str, Known((*_ALIVE, "CLOSED"))]
"""As `OldState`, or the end."""
Cause: TypeAlias = Annotated[
    str, Known(("unknown", "local", "user", "remote", "protocol", "onchain"))
]
"""Who made it change: the daemon itself, a command, the peer, an error, or the chain."""


class ChannelStateChanged(Event, frozen=True):
    """A channel's new state."""

    peer_id: PublicKey
    """Whom the channel is with."""
    channel_id: ChannelId
    """The channel."""
    timestamp: str
    """When, as `2026-11-22T10:35:19.396Z`."""
    new_state: NewState
    """What it is now. `CLOSED` since v25.12."""
    cause: Cause
    """Who made it change."""
    short_channel_id: ShortChannelId | None = None
    """The channel on the chain; `None` until it is confirmed."""
    old_state: OldState | None = None
    """What it was; `None` for a new channel, of which older daemons said `unknown`."""
    message: str | None = None
    """What there is to say about it, for people."""


SPEC = TopicSpec("channel_state_changed", ChannelStateChanged)
