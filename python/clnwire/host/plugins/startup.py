"""The steps of a plugin's start: the command line, `getmanifest` and `init`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec import json

from clnwire import program
from clnwire.host.errors import HostError, ManifestError
from clnwire.host.rules.decoding import UndecodableError, as_object, decoded

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire._core import Frame
    from clnwire.host.plugins.plugin import Plugin

MIGRATIONS: Final[Sequence[Sequence[str]]] = (
    (
        "CREATE TABLE version (version INTEGER)",
        "INSERT INTO version VALUES (1)",
        "CREATE TABLE vars (name TEXT, intval INTEGER, PRIMARY KEY (name))",
    ),
)
"""The default `db_write` sets before `init`: they create a small database."""
LATER_START: Final[Sequence[Sequence[str]]] = (("REPLACE INTO vars VALUES ('last_start', 1)",),)
"""`db_write` sets for later starts: lightningd also commits before `init` of an old database."""


def command_line(path: str | Path) -> list[str]:
    """The file, after this Python if it is not executable. Raises `HostError`."""
    try:
        return program.of_file(path)
    except program.ProgramError as error:
        raise HostError(str(error)) from None


async def within(
    plugin: Plugin, future: asyncio.Future[Frame], what: str, seconds: float | None
) -> Frame:
    """Waits for a reply, and kills the plugin after `seconds`. Raises `PluginDiedError`."""
    if seconds is None:
        return await future
    done, _ = await asyncio.wait([future], timeout=seconds)
    if not done:
        plugin.kill(f"did not answer {what} within {seconds:g} s", "silent")
    return await future


async def ask_manifest(plugin: Plugin, seconds: float | None, caller: bytes | None = None) -> bytes:
    """Sends `getmanifest` and returns the result. Raises `ManifestError`, `PluginDiedError`."""
    future = plugin.request("getmanifest", plugin.dialect.manifest_params, caller=caller)
    reply = await within(plugin, future, "getmanifest", seconds)
    if reply.result is None:
        error = (reply.error or b"none").decode()
        raise ManifestError(plugin.name, "result", f"is missing; the error is {error}")
    return reply.result


async def initialise(
    plugin: Plugin, options: bytes, configuration: bytes, seconds: float | None
) -> None:
    """Sends `init`. As in the daemon, an error counts as success. Raises `PluginDiedError`."""
    params = b'{"options":%s,"configuration":%s}' % (options, configuration)
    reply = await within(plugin, plugin.request("init", params), "init", seconds)
    if plugin.dialect.disables:
        plugin.disabled = disabled_by(reply)


def disabled_by(reply: Frame) -> str | None:
    """The reason if a reply to `init` disables the plugin, else `None`."""
    try:
        result = as_object(decoded(reply.result or b"null")) or {}
    except UndecodableError:
        # A result that cannot be decoded does not disable the plugin.
        return None
    if "disable" not in result:
        return None
    reason: object = result["disable"]
    return reason if isinstance(reason, str) else json.encode(reason).decode()
