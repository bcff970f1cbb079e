"""A plugin's way from a file to a running plugin, in the daemon's order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import json

from clnwire import program
from clnwire.host.errors import HostError, ManifestError
from clnwire.host.rules.decoding import UndecodableError, as_object, decoded
from clnwire.host.rules.manifest import ReservedNames, check_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from clnwire._core import Frame
    from clnwire.host.plugins.plugin import Plugin

_Given = TypeVar("_Given")
MIGRATIONS: Final[Sequence[Sequence[str]]] = (
    (
        "CREATE TABLE version (version INTEGER)",
        "INSERT INTO version VALUES (1)",
        "CREATE TABLE vars (name TEXT, intval INTEGER, PRIMARY KEY (name))",
    ),
)
"""What `db_write` gets before `init` unless told otherwise: the birth of a small database."""
LATER_START: Final[Sequence[Sequence[str]]] = (("REPLACE INTO vars VALUES ('last_start', 1)",),)
"""What it gets at each start after that: lightningd commits something before `init`, too."""


def command_line(path: str | Path) -> list[str]:
    """How to run a plugin's file: as it is, or with this Python if it is no executable `.py`.

    Raises `HostError`.
    """
    try:
        return program.of_file(path)
    except program.ProgramError as error:
        raise HostError(str(error)) from None


async def within(
    plugin: Plugin, future: asyncio.Future[Frame], what: str, seconds: float | None
) -> Frame:
    """Waits for a reply, but not for ever: after so many seconds the plugin is killed.

    Raises `PluginDiedError`.
    """
    if seconds is None:
        return await future
    done, _ = await asyncio.wait([future], timeout=seconds)
    if not done:
        plugin.kill(f"did not answer {what} within {seconds:g} s", "silent")
    return await future


async def ask_manifest(plugin: Plugin, seconds: float | None) -> bytes:
    """Sends `getmanifest` and gives the result. Raises `ManifestError`, `PluginDiedError`."""
    future = plugin.request("getmanifest", plugin.dialect.manifest_params)
    reply = await within(plugin, future, "getmanifest", seconds)
    if reply.result is None:
        error = (reply.error or b"none").decode()
        raise ManifestError(plugin.name, "result", f"is missing; the error is {error}")
    return reply.result


def accept_manifest(plugin: Plugin, result: bytes, taken: ReservedNames) -> None:
    """Checks the manifest and gives it to the plugin. Raises `ManifestError`."""
    plugin.manifest = check_manifest(plugin.name, result, taken, plugin.dialect)
    plugin.disabled = plugin.manifest.disable


async def initialise(
    plugin: Plugin, options: bytes, configuration: bytes, seconds: float | None
) -> Frame:
    """Sends `init`. An error is as good as a result; one with `disable` turns the plugin off."""
    params = b'{"options":%s,"configuration":%s}' % (options, configuration)
    reply = await within(plugin, plugin.request("init", params), "init", seconds)
    if plugin.dialect.disables:
        plugin.disabled = disabled_by(reply)
    return reply


def disabled_by(reply: Frame) -> str | None:
    """Why the plugin does not want to run, if its answer to `init` says so."""
    try:
        result = as_object(decoded(reply.result or b"null")) or {}
    except UndecodableError:
        # Whatever it is, it does not ask for that.
        return None
    if "disable" not in result:
        return None
    reason: object = result["disable"]
    return reason if isinstance(reason, str) else json.encode(reason).decode()
