"""Methods: `check` asks whether a call would be accepted. No method is called, as it might act."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from clnwire.checking import catalogue as rules
from clnwire.error_codes import INVALID_PARAMS, PLUGIN_DIED
from clnwire.errors import RpcError

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession
    from clnwire.host.rules.manifest import HostMethod

_WORD: Final = re.compile(r"(\[)?[A-Za-z_][A-Za-z0-9_-]*(\])?\Z")


def required_parameters(usage: str) -> list[str] | None:
    """The required parameters; `None` if the usage has an unknown form."""
    required: list[str] = []
    for word in usage.split():
        match = _WORD.match(word)
        if match is None or bool(match[1]) != bool(match[2]):
            return None
        if not match[1]:
            required.append(word)
    return required


async def check_method(found: Found, session: CheckSession, method: HostMethod) -> None:
    """Asks whether a call without parameters would be accepted."""
    where, required = f"method {method.name}", required_parameters(method.usage)
    try:
        await session.host.call("check", {"command_to_check": method.name})
    except TimeoutError as error:
        session.usable = False
        found.add(rules.CHECK_UNANSWERED, where, str(error), session.watch.last_in)
    except RpcError as error:
        _judge_error(found, session, where, error, required)
    else:
        if required:
            message = f"accepts a call without {required[0]}, which usage says it needs"
            found.add(rules.CHECK_DISAGREES, where, f"check {message}", session.watch.last_out)


def _judge_error(
    found: Found, session: CheckSession, where: str, error: RpcError, required: list[str] | None
) -> None:
    if error.code == PLUGIN_DIED:
        session.usable = False
        found.add(rules.CHECK_UNANSWERED, where, error.message, session.watch.last_in)
    elif error.code != INVALID_PARAMS:
        message = f"check fails with code {error.code}, not {INVALID_PARAMS}: {error.message}"
        found.add(rules.CHECK_DISAGREES, where, message, session.watch.last_out)
    elif required == []:
        message = f"check refuses a call that usage allows: {error.message}"
        found.add(rules.CHECK_DISAGREES, where, message, session.watch.last_out)
