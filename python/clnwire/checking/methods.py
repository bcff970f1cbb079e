"""Options at the start and by `setconfig`, and methods by `check`.

A method is called only if the user asked for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import json

from clnwire._wire.nearest import did_you_mean
from clnwire.checking import catalogue as rules
from clnwire.checking.output import is_deadlock
from clnwire.error_codes import INVALID_PARAMS, PLUGIN_DIED
from clnwire.errors import RpcError
from clnwire.host.config import ConfigError
from clnwire.host.directory import NODE_ID

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession, Target
    from clnwire.host.rules.manifest import HostManifest, HostMethod, Option

_WORD: Final = re.compile(r"(\[)?([A-Za-z_][A-Za-z0-9_-]*)(:[^\[\]]+)?(\])?\Z")
"""A parameter in a usage: `label`, `[label]`, or with its values, as in `mode:fast|slow`."""
_REST: Final = re.compile(r"\[[A-Za-z_][A-Za-z0-9_-]* \.\.\.\]")
"""Any number of parameters in a usage: `[label ...]`."""


def spelled_out(manifest: HostManifest) -> dict[str, object]:
    """Sets all flags, and each other option to its default, as a user would write it."""
    return {
        name: True if option.type == "flag" else _written(option)
        for name, option in manifest.options.items()
        if option.type == "flag" or option.default is not None
    }


def in_hexadecimal(manifest: HostManifest) -> dict[str, object]:
    """The defaults of the `int` options, in hexadecimal as in C."""
    return {
        name: f"{option.default:#x}"
        for name, option in manifest.options.items()
        if option.type == "int" and isinstance(option.default, int)
    }


def _written(option: Option) -> object:
    return [option.default] if option.multi else option.default


async def _asked(
    found: Found, session: CheckSession, rule: rules.Rule, where: str, method: str, params: object
) -> RpcError | None:
    """Calls a command, and returns its error, if any.

    Reports the rule and makes the session unusable if the plugin ends or does not answer.
    """
    try:
        await session.host.call(method, params)
    except TimeoutError as error:
        reason = str(error)
    except RpcError as error:
        if error.code != PLUGIN_DIED:
            return error
        reason = error.message
    else:
        return None
    session.usable = False
    found.add(rule, where, reason, session.watch.last_in)
    return None


async def check_setconfig(found: Found, session: CheckSession, option: Option) -> None:
    """Sends `setconfig` for a dynamic option, with its current value if there is one."""
    given = session.target.given(session.plugin.manifest.options).get(option.name)
    is_flag = option.type == "flag"
    if not option.dynamic or not (is_flag or given is not None or option.default is not None):
        return  # No value is known that the plugin must accept.
    where = f"setconfig {option.name}"
    params: dict[str, object] = {"config": option.name}
    if given is not None or not is_flag:
        params["val"] = _written(option) if given is None else given.value
    error = await _asked(found, session, rules.SETCONFIG_UNANSWERED, where, "setconfig", params)
    if error is not None:
        found.add(rules.SETCONFIG_REFUSED, where, error.message, session.watch.last_in)


def required_parameters(usage: str) -> list[str] | None:
    """The required parameters; `None` if the usage has an unknown form."""
    required: list[str] = []
    for word in _REST.sub("", usage).split():
        match = _WORD.match(word)
        if match is None or bool(match[1]) != bool(match[4]):
            return None
        if not match[1]:
            required.append(match[2])
    return required


async def check_method(found: Found, session: CheckSession, method: HostMethod) -> None:
    """Asks whether a call without parameters would be accepted."""
    where, required = f"method {method.name}", required_parameters(method.usage)
    params = {"command_to_check": method.name}
    error = await _asked(found, session, rules.CHECK_UNANSWERED, where, "check", params)
    if error is None:
        if not required or not session.usable:
            return
        message = f"accepts a call without {required[0]}, which usage says it needs"
    elif error.code != INVALID_PARAMS:
        message = f"fails with code {error.code}, not {INVALID_PARAMS}: {error.message}"
    elif required == []:
        message = f"refuses a call that usage allows: {error.message}"
    else:
        return
    found.add(rules.CHECK_DISAGREES, where, f"check {message}", session.watch.last_out)


def chosen(target: Target, offered: Mapping[str, HostMethod]) -> dict[str, bytes | None]:
    """The methods to call, and their parameters. Raises `ConfigError` for an unknown name."""
    calls = dict(target.calls)
    others = dict.fromkeys(offered) if "*" in calls else {}
    params = calls.pop("*", None)
    for name in calls:
        if name not in offered:
            raise ConfigError(f"--call: there is no method '{name}'{did_you_mean(name, offered)}")
    return {**dict.fromkeys(others, params), **calls}


def sample_params(usage: str) -> dict[str, Any]:
    """A value for each required parameter: the first that the usage permits, or one chosen by the
    parameter's name."""
    hints = {name: hint for name, _, hint in (word.partition(":") for word in usage.split())}
    required = required_parameters(usage) or ()
    firsts = {name: re.split(r"\||\.\.|[<>]", hints[name])[0] for name in required}
    return {name: first or _sample(name) for name, first in firsts.items()}


def _sample(name: str) -> Any:
    """A node for an id, a channel for a scid; otherwise 1, which parses as most other types."""
    words = name.lower().split("_")
    if words[-1] in ("id", "node", "peer", "nodeid") and "channel" not in words:
        return NODE_ID
    return "1x1x1" if words[-1] in ("scid", "channel") or "channel" in words else 1


async def call_method(
    found: Found, session: CheckSession, method: HostMethod, params: bytes | None
) -> None:
    """Calls a method, and reports a call that is not answered or fails inside the plugin."""
    where, mark = f"method {method.name}", len(session.host.logs)
    given = sample_params(method.usage) if params is None else json.decode(params)
    try:
        await session.host.call(method.name, given)
    except TimeoutError as error:
        session.usable = False
        if not is_deadlock(found, where, session.host.commands_waiting):
            found.add(rules.METHOD_UNANSWERED, where, str(error), session.watch.last_in)
        return
    except RpcError as error:
        if error.code == PLUGIN_DIED:
            session.usable = False
            text = f"{error.message}{session.last_words()}"
            found.add(rules.DIES_AT_METHOD, where, text, session.watch.last_in)
            return
        if error.code == INVALID_PARAMS and params is None:
            shown = json.encode(given).decode()
            hint = f"give it others: --call '{method.name}={{...}}'"
            found.note(f"{method.name} was called, and refuses {shown}: {error.message}; {hint}")
    await session.settle()
    failure = session.failure_since(mark)
    if failure is not None:
        found.add(rules.METHOD_FAILS, where, failure, session.watch.last_in)
