"""What the host noticed apart from the plugin's answers: bad output, stray replies, deadlocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from clnwire.checking import catalogue as rules

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession
    from clnwire.host.errors import DeathKind, PluginDiedError
    from clnwire.host.journal import RemarkKind

_BY_KIND: Final[dict[DeathKind, rules.Rule]] = {
    "malformed": rules.STRAY_OUTPUT,
    "encoding": rules.BAD_ENCODING,
    "jsonrpc": rules.NO_JSONRPC,
    "notification": rules.BAD_NOTIFICATION,
    "log": rules.BAD_LOG,
    "level": rules.BAD_LOG_LEVEL,
    "notice": rules.BAD_NOTICE,
}
BY_REMARK: Final[dict[RemarkKind, tuple[rules.Rule, str]]] = {
    "topic": (rules.UNDECLARED_TOPIC, ""),
    "line": (rules.LONG_LOG_LINE, ""),
    "subscription": (rules.UNKNOWN_TOPIC, "manifest subscriptions"),
    "native": (rules.REPLACES_NATIVE, "manifest rpcmethods"),
}
"""The rule for a remark of the host, and the place if that is in the manifest."""
_BY_STRAY: Final = {
    "wrong id": (rules.WRONG_ID, "a reply with an id of no request"),
    "twice": (rules.ANSWERED_TWICE, "a second reply to one request"),
    "unasked": (rules.ANSWERED_NOTIFICATION, "a reply to no request"),
}


def killed_for_output(found: Found, where: str, death: PluginDiedError) -> bool:
    """Reports output for which the daemon kills a plugin; returns whether that ended the plugin."""
    rule = _BY_KIND.get(death.kind)
    if rule is None:
        return False
    found.add(rule, where, death.reason)
    return True


def report_stray(found: Found, session: CheckSession, where: str) -> bool:
    """Reports replies that match no open request; returns whether one has a wrong id."""
    stray = session.new_stray()
    for one in stray:
        rule, words = _BY_STRAY[one.kind]
        found.add(rule, where, words, one.text)
    return any(one.kind == "wrong id" for one in stray)


def is_deadlock(found: Found, where: str, waiting: Sequence[str]) -> bool:
    """Reports a plugin that does not answer because it waits for the commands `waiting`.

    Returns whether there are such commands.
    """
    if not waiting:
        return False
    rule = rules.DEADLOCK_IN_DB_WRITE if where.endswith("db_write") else rules.DEADLOCK_IN_HANDLER
    message = f"the plugin waits for {', '.join(waiting)}, and the daemon for the plugin"
    found.add(rules.DEADLOCK_IN_INIT if where == "init" else rule, where, message)
    return True
