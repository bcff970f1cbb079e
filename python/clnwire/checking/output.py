"""Output of a plugin that answers no request, as the host has judged it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clnwire.checking import catalogue as rules

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession
    from clnwire.host.errors import DeathKind, PluginDiedError

_BY_KIND: Final[dict[DeathKind, rules.Rule]] = {
    "malformed": rules.STRAY_OUTPUT,
    "encoding": rules.BAD_ENCODING,
    "jsonrpc": rules.NO_JSONRPC,
    "notification": rules.BAD_NOTIFICATION,
    "log": rules.BAD_LOG,
    "level": rules.BAD_LOG_LEVEL,
    "notice": rules.BAD_NOTICE,
}
_BY_STRAY: Final = {
    "wrong id": (rules.WRONG_ID, "a reply with an id of no request"),
    "twice": (rules.ANSWERED_TWICE, "a second reply to one request"),
    "unasked": (rules.ANSWERED_NOTIFICATION, "a reply to no request"),
}


def killed_for_output(found: Found, where: str, death: PluginDiedError) -> bool:
    """Reports output for which the daemon kills a plugin; returns whether the plugin ended so."""
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


def report_long_line(found: Found, where: str, message: str) -> None:
    """Reports a log line so long that the daemon would have aborted."""
    found.add(rules.LONG_LOG_LINE, where, message)


def report_undeclared(found: Found, where: str, message: str) -> None:
    """Reports a topic that the manifest does not announce."""
    found.add(rules.UNDECLARED_TOPIC, where, message)
