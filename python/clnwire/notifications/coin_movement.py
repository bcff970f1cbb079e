"""`coin_movement`: money has moved, on the chain or in a channel, for good.

Summed up by account, these are the node's books.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from clnwire._wire.older import rename
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, U64, BlockHeight, Hash, Known, Msat, Outpoint, PublicKey, Txid

PrimaryTag: TypeAlias = Annotated[
    str,
    Known(
        (
            "deposit",
            "withdrawal",
            "penalty",
            "channel_open",
            "channel_close",
            "delayed_to_us",
            "htlc_tx",
            "htlc_timeout",
            "htlc_fulfill",
            "to_wallet",
            "anchor",
            "to_them",
            "penalized",
            "stolen",
            "ignored",
            "to_miner",
            "invoice",
            "routed",
            "pushed",
            "lease_fee",
            "channel_proposed",
            "penalty_adj",
            "journal_entry",
        )
    ),
]
"""What the movement was for."""


class CoinMovement(Event, frozen=True):
    """A movement. Those in a channel and those on the chain have some members each."""

    version: U32
    """Of this message's form; 2."""
    coin_type: str
    """The currency's prefix in invoices (BIP 173): `bc`, `tb`, `bcrt`, …"""
    node_id: PublicKey
    """This node."""
    type: Annotated[str, Known(("channel_mvt", "chain_mvt"))]
    """In a channel, or on the chain."""
    created_index: U64
    """Counts the movements of its type, from 1. Since v25.09; 0 from daemons before that."""
    account_id: str
    """Whose it was: `wallet`, `external`, or a channel's id."""
    credit_msat: Msat
    """What came in; or 0."""
    debit_msat: Msat
    """What went out; or 0."""
    timestamp: U64
    """When, in seconds since 1970."""
    primary_tag: PrimaryTag
    """What it was for. Since v25.09; from daemons before that, the first of `tags`."""
    extra_tags: list[str] | None = None
    """What else there is to say of it. Since v25.09."""
    payment_hash: Hash | None = None
    """The payment that it belongs to, if it does."""
    part_id: U64 | None = None
    """In a channel: which part of the payment."""
    group_id: U64 | None = None
    """In a channel: which attempt at the payment."""
    fees_msat: Msat | None = None
    """In a channel, where it is always there: the fees in it."""
    utxo: Outpoint | None = None
    """On the chain, where it is always there: the output. Since v25.09."""
    peer_id: PublicKey | None = None
    """On the chain: the peer that it has to do with, if any."""
    originating_account: str | None = None
    """On the chain: the account that money for an external one came from."""
    spending_txid: Txid | None = None
    """On the chain: the transaction that spends the output, if one does. Since v25.09."""
    output_msat: Msat | None = None
    """On the chain, where it is always there: what the output holds."""
    output_count: U32 | None = None
    """On the chain: how many outputs the spending transaction has, if that is known."""
    blockheight: BlockHeight | None = None
    """On the chain, where it is always there: the block."""
    tags: list[str] | None = None
    """Deprecated in v25.09 for `primary_tag` and `extra_tags`."""
    txid: Txid | None = None
    """Deprecated in v25.09 for `spending_txid`."""
    utxo_txid: Txid | None = None
    """Deprecated in v25.09 for `utxo`."""
    vout: U32 | None = None
    """Deprecated in v25.09 for `utxo`."""


def _older(event: dict[str, Any]) -> None:
    """Until v0.12 amounts had other names; v25.09 divided the tags, and counts movements."""
    rename(event, credit="credit_msat", debit="debit_msat", fees="fees_msat")
    event.setdefault("created_index", 0)
    event.setdefault("primary_tag", next(iter(event.get("tags", ())), ""))


SPEC = TopicSpec("coin_movement", CoinMovement, older=_older)
