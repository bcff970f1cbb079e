"""`commitment_revocation`: a channel has moved on, and its last state is revoked.

For watchtowers: whoever holds the penalty transaction can punish a peer that publishes the
revoked state.

Kind: chain; all plugins that have it are asked.
Safe answer: refuse. The daemon ends rather than forget a penalty transaction.
Refusal: the same.
Any other answer: taken as continue.
"""

from __future__ import annotations

from typing import TypeAlias

from clnwire._wire.structs import Event
from clnwire.hooks._spec import Continue, HookSpec, Refuse, refuse
from clnwire.types import U64, ChannelId, Hex, Txid


class CommitmentRevocation(Event, frozen=True):
    """The state that was revoked, and its penalty."""

    commitment_txid: Txid
    """The revoked commitment transaction."""
    penalty_tx: Hex
    """The transaction that takes all the revoked one's funds, to be published if that appears."""
    channel_id: ChannelId
    """The channel. Since v0.10.2."""
    commitnum: U64
    """The number of the revoked state, counted from 0 in each channel. Since v0.10.2."""


Answer: TypeAlias = Continue | Refuse

SPEC = HookSpec(
    "commitment_revocation",
    event=CommitmentRevocation,
    answers=(Continue, Refuse),
    safe=refuse,
    refusal=refuse,
)
