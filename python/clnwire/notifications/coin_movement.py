"""`coin_movement`: money has moved irrevocably, on the chain or in a channel.

The sum of an account's movements is its balance.
"""

from typing import Annotated, Any, Final, TypeAlias

from clnwire._wire.older import rename
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, U64, BlockHeight, Hash, Known, Msat, Outpoint, PublicKey, Txid

# fmt: off
_TAGS: Final = (
    "deposit", "withdrawal", "penalty", "channel_open", "channel_close", "delayed_to_us", "htlc_tx",
    "htlc_timeout", "htlc_fulfill", "to_wallet", "anchor", "to_them", "penalized", "stolen",
    "ignored", "to_miner", "invoice", "routed", "pushed", "lease_fee", "channel_proposed",
    "penalty_adj", "journal_entry",
)
# fmt: on
PrimaryTag: TypeAlias = Annotated[str, Known(_TAGS)]
"""The kind of movement."""


class CoinMovement(Event, frozen=True):
    """A movement on the chain or in a channel. Some members are for one of these two only."""

    version: U32
    """The version of this message's format: 2."""
    coin_type: str
    """The currency's prefix in invoices (BIP 173): `bc`, `tb`, `bcrt`, …"""
    node_id: PublicKey
    """This node's id."""
    type: Annotated[str, Known(("channel_mvt", "chain_mvt"))]
    """`channel_mvt` in a channel, `chain_mvt` on the chain."""
    created_index: U64
    """The movement's number among those of its type, from 1. Since v25.09; 0 before."""
    account_id: str
    """The account: `wallet`, `external`, or a channel's id."""
    credit_msat: Msat
    """The amount added to the account, in msat, or 0."""
    debit_msat: Msat
    """The amount taken from the account, in msat, or 0."""
    timestamp: U64
    """When the movement was recorded, in seconds since 1970."""
    primary_tag: PrimaryTag
    """The kind of movement. Since v25.09; the first of `tags` from earlier daemons."""
    extra_tags: list[str] | None = None
    """Further tags. Since v25.09."""
    payment_hash: Hash | None = None
    """The hash of the payment that the movement belongs to, if any."""
    part_id: U64 | None = None
    """In a channel: the part of a payment of several parts."""
    group_id: U64 | None = None
    """In a channel: the attempt at the payment."""
    fees_msat: Msat | None = None
    """In a channel, always there: the fees in msat."""
    utxo: Outpoint | None = None
    """On the chain, always there: the output that the movement creates or spends. Since v25.09."""
    peer_id: PublicKey | None = None
    """On the chain: the peer of the movement's channel, if any."""
    originating_account: str | None = None
    """On the chain: the account that the money of an external account came from."""
    spending_txid: Txid | None = None
    """On the chain: the transaction that spends the output, if any. Since v25.09."""
    output_msat: Msat | None = None
    """On the chain, always there: the output's value in msat."""
    output_count: U32 | None = None
    """On the chain: the number of outputs of the spending transaction, if known."""
    blockheight: BlockHeight | None = None
    """On the chain, always there: the block's height."""
    tags: list[str] | None = None
    """Replaced by `primary_tag` and `extra_tags` in v25.09, to go in v26.09."""
    txid: Txid | None = None
    """Replaced by `spending_txid` in v25.09, to go in v26.09."""
    utxo_txid: Txid | None = None
    """Replaced by `utxo` in v25.09, to go in v26.09."""
    vout: U32 | None = None
    """Replaced by `utxo` in v25.09, to go in v26.09."""


def _upgrade(event: dict[str, Any]) -> None:
    """Before v0.12.0 amounts had other names; before v25.09 the tags were one list."""
    rename(event, credit="credit_msat", debit="debit_msat", fees="fees_msat")
    event.setdefault("created_index", 0)
    event.setdefault("primary_tag", next(iter(event.get("tags", ())), ""))


SPEC = TopicSpec("coin_movement", CoinMovement, upgrade=_upgrade)
