"""`channel_state_changed`: a channel has changed its state."""

from typing import Annotated, Final, TypeAlias

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import ChannelId, Known, PublicKey, ShortChannelId

# fmt: off
_ALIVE: Final = (
    "OPENINGD", "CHANNELD_AWAITING_LOCKIN", "CHANNELD_NORMAL", "CHANNELD_SHUTTING_DOWN",
    "CLOSINGD_SIGEXCHANGE", "CLOSINGD_COMPLETE", "AWAITING_UNILATERAL", "FUNDING_SPEND_SEEN",
    "ONCHAIN", "DUALOPEND_OPEN_INIT", "DUALOPEND_AWAITING_LOCKIN", "CHANNELD_AWAITING_SPLICE",
    "DUALOPEND_OPEN_COMMITTED", "DUALOPEND_OPEN_COMMIT_READY",
)
# fmt: on

OldState: TypeAlias = Annotated[str, Known(_ALIVE)]
"""A channel's state. It can be used in `CHANNELD_NORMAL` and `CHANNELD_AWAITING_SPLICE`."""
NewState: TypeAlias = Annotated[str, Known((*_ALIVE, "CLOSED"))]
"""As `OldState`, or `CLOSED`."""
Cause: TypeAlias = Annotated[
    str, Known(("unknown", "local", "user", "remote", "protocol", "onchain"))
]
"""The cause of a change: this daemon (`local`), a command (`user`), the peer (`remote`), a protocol
error (`protocol`) or the chain (`onchain`)."""


class ChannelStateChanged(Event, frozen=True):
    """A channel's new state."""

    peer_id: PublicKey
    """The peer's node id."""
    channel_id: ChannelId
    """The channel's id."""
    timestamp: str
    """The time of the change (ISO 8601), such as `2026-11-22T10:35:19.396Z`."""
    new_state: NewState
    """The new state. `CLOSED` since v25.12."""
    cause: Cause
    """The cause of the change."""
    short_channel_id: ShortChannelId | None = None
    """The channel's place on the chain; `None` before the funding is confirmed."""
    old_state: OldState | None = None
    """The previous state; `None` for a new channel, where older daemons send `unknown`."""
    message: str | None = None
    """A remark on the change, for people."""


SPEC = TopicSpec("channel_state_changed", ChannelStateChanged)
