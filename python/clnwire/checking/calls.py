"""Calls of the daemon in places where the daemon waits for the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire.checking import catalogue as rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clnwire.checking.finding import Found


def is_deadlock(found: Found, where: str, waiting: Sequence[str]) -> bool:
    """Reports that the plugin does not answer because it waits for its own calls, if it does."""
    if not waiting:
        return False
    message = f"the plugin waits for {', '.join(waiting)}, and the daemon for the plugin"
    found.add(_rule(where), where, message)
    return True


def _rule(where: str) -> rules.Rule:
    if where == "init":
        return rules.DEADLOCK_IN_INIT
    return rules.DEADLOCK_IN_DB_WRITE if where.endswith("db_write") else rules.DEADLOCK_IN_HANDLER
