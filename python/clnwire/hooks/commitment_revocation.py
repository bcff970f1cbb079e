"""`commitment_revocation`: the peer has revoked a channel's previous state.

This hook is for watchtowers: with the penalty transaction, a watchtower can take the funds of a
peer that publishes the revoked state.

Kind: chain; the daemon calls all plugins that have the hook.
Safe answer: refuse. The daemon ends, so that no penalty transaction is lost.
Refusal: the same.
Any other answer: taken as continue.
"""

from typing import TypeAlias

from clnwire._wire.structs import Event
from clnwire.hooks._spec import Continue, HookSpec, Refuse, refuse
from clnwire.types import U64, ChannelId, Hex, Txid


class CommitmentRevocation(Event, frozen=True):
    """The revoked state and its penalty transaction."""

    commitment_txid: Txid
    """The txid of the revoked commitment transaction."""
    penalty_tx: Hex
    """The transaction that spends the outputs of the revoked commitment transaction. Publish it if
    that one appears on the chain."""
    channel_id: ChannelId
    """The channel's id. Since v0.10.2."""
    commitnum: U64
    """The revoked state's number, counted from 0 in each channel. Since v0.10.2."""


Answer: TypeAlias = Continue | Refuse

SPEC = HookSpec(
    "commitment_revocation",
    event=CommitmentRevocation,
    answers=(Continue, Refuse),
    safe=refuse,
    refusal=refuse,
)
