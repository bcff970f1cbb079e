"""`balance_snapshot`: the balances of all accounts, for bookkeeping.

The daemon sends it at the start, and then for every block that changes a balance.
"""

from typing import Any

from clnwire._wire.older import rename
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, BlockHeight, Msat, PublicKey


class AccountBalance(Event, frozen=True):
    """The balance of one account."""

    account_id: str
    """`wallet`, `external`, or a channel's id."""
    balance_msat: Msat
    """The balance in msat."""
    coin_type: str
    """The currency's prefix in invoices (BIP 173): `bc`, `tb`, `bcrt`, …"""


class BalanceSnapshot(Event, frozen=True):
    """The balances of all accounts at a block."""

    node_id: PublicKey
    """This node's id."""
    blockheight: BlockHeight
    """The height of the block."""
    timestamp: U32
    """When the snapshot was taken, in seconds since 1970."""
    accounts: list[AccountBalance]
    """The balance of every account."""


def _upgrade(event: dict[str, Any]) -> None:
    for account in event["accounts"]:
        rename(account, balance="balance_msat")


SPEC = TopicSpec("balance_snapshot", BalanceSnapshot, upgrade=_upgrade)
