"""The few commands of the daemon that the host has of itself: `getinfo`, `help`, `setconfig`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import json

from clnwire.errors import INVALID_PARAMS, METHOD_NOT_FOUND, RpcError
from clnwire.host.commands import argument, help_text
from clnwire.host.errors import PluginOptionError
from clnwire.host.options import check_known, option_text
from clnwire.host.shapes import as_array
from clnwire.host.texts import result_of

if TYPE_CHECKING:
    from clnwire.host.commands import CommandTable, Params
    from clnwire.host.directory import Directory
    from clnwire.host.plugin import Plugin
    from clnwire.host.registry import Plugins


def register_builtin(table: CommandTable, directory: Directory, plugins: Plugins) -> None:
    """Adds the commands; a test may replace them."""
    builtin = _Builtin(table, directory, plugins)
    table.register("getinfo", builtin.getinfo)
    table.register("help", builtin.help)
    table.register("setconfig", builtin.setconfig)


class _Builtin:
    def __init__(self, table: CommandTable, directory: Directory, plugins: Plugins) -> None:
        self._table, self._directory, self._plugins = table, directory, plugins

    def getinfo(self, params: Params) -> object:
        del params
        return self._directory.info()

    def help(self, params: Params) -> object:
        commands = [*self._table.names(), "notifications"]
        methods = [
            method
            for plugin in self._plugins.running()
            for method in plugin.manifest.methods.values()
        ]
        return help_text(commands, methods, argument(params, 0, "command", ""))

    async def setconfig(self, params: Params) -> object:
        """Changes a dynamic option: the plugin is asked first, and may refuse."""
        name = argument(params, 0, "config", "")
        value = argument(params, 1, "val", None)
        for plugin in self._plugins.running():
            if name in plugin.manifest.options:
                return await _change(plugin, name, value)
        raise RpcError(INVALID_PARAMS, f"Unknown config option {name!r}")


async def _change(plugin: Plugin, name: str, value: object) -> object:
    option = check_known(plugin.name, plugin.manifest, name)
    if not option.dynamic:
        raise RpcError(METHOD_NOT_FOUND, f"option {name!r} is not dynamic")
    try:
        option_text(plugin.name, option, True if value is None else value)
    except PluginOptionError as error:
        raise RpcError(INVALID_PARAMS, str(error)) from None
    change: dict[str, object] = {"config": name}
    if value is not None:
        # The daemon passes what the user wrote; only `init` has JSON's types.
        change["val"] = _as_written(value)
    result_of(await plugin.request("setconfig", json.encode(change)))
    return {"config": {"config": name, "plugin": str(plugin.path), "dynamic": True}}


def _as_written(value: object) -> object:
    items = as_array(value)
    if items is not None:
        return [_as_written(item) for item in items]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
