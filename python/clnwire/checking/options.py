"""Options: their values at the start, and dynamic ones that are set later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clnwire.checking import catalogue as rules
from clnwire.error_codes import PLUGIN_DIED
from clnwire.errors import RpcError

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession
    from clnwire.host.rules.manifest import HostManifest, Option


def spelled_out(manifest: HostManifest) -> dict[str, object]:
    """All flags set, and all defaults given as a user would write them."""
    return {
        name: True if option.type == "flag" else _written(option)
        for name, option in manifest.options.items()
        if option.type == "flag" or option.default is not None
    }


def in_hexadecimal(manifest: HostManifest) -> dict[str, object]:
    """Integers as C may spell them."""
    return {
        name: _hexadecimal(option.default)
        for name, option in manifest.options.items()
        if option.type == "int" and isinstance(option.default, int)
    }


def _hexadecimal(number: int) -> str:
    return f"-0x{-number:x}" if number < 0 else f"0x{number:x}"


def _written(option: Option) -> object:
    return [option.default] if option.multi else option.default


async def check_setconfig(found: Found, session: CheckSession, option: Option) -> None:
    """Sends `setconfig` for a dynamic option, with its current value if there is one."""
    where = f"setconfig {option.name}"
    value = _current(session, option)
    params: dict[str, Any] = {"config": option.name}
    if value is not None:
        params["val"] = value
    try:
        await session.host.call("setconfig", params)
    except TimeoutError as error:
        session.usable = False
        found.add(rules.SETCONFIG_UNANSWERED, where, str(error), session.watch.last_in)
    except RpcError as error:
        if error.code == PLUGIN_DIED:
            session.usable = False
            found.add(rules.SETCONFIG_UNANSWERED, where, error.message, session.watch.last_in)
        else:
            found.add(rules.SETCONFIG_REFUSED, where, error.message, session.watch.last_in)


def _current(session: CheckSession, option: Option) -> object:
    given = session.target.given(session.manifest.options).get(option.name)
    if given is not None:
        return given.value
    return None if option.type == "flag" else _written(option)


def can_be_set(session: CheckSession, option: Option) -> bool:
    """Whether a value is known that the plugin must accept."""
    is_given = option.name in session.target.given(session.manifest.options)
    return option.dynamic and (option.type == "flag" or is_given or option.default is not None)
