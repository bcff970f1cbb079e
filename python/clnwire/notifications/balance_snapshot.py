"""`balance_snapshot`: the daemon has compared its balances with its books.

It comes at the start, and after that with every block in which they changed.
"""

from __future__ import annotations

from typing import Any

from clnwire._wire.older import rename
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, BlockHeight, Msat, PublicKey


class AccountBalance(Event, frozen=True):
    """What one account holds."""

    account_id: str
    """`wallet`, `external`, or a channel's id."""
    balance_msat: Msat
    """How much."""
    coin_type: str
    """The currency's prefix in invoices (BIP 173): `bc`, `tb`, `bcrt`, …"""


class BalanceSnapshot(Event, frozen=True):
    """The balances of all accounts at a block."""

    node_id: PublicKey
    """This node."""
    blockheight: BlockHeight
    """The block."""
    timestamp: U32
    """When it was taken, in seconds since 1970."""
    accounts: list[AccountBalance]
    """Every account."""


def _older(event: dict[str, Any]) -> None:
    """Until v0.12 the balance had another name."""
    for account in event["accounts"]:
        rename(account, balance="balance_msat")


SPEC = TopicSpec("balance_snapshot", BalanceSnapshot, older=_older)
