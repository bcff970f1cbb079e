"""The command `plugin`, which starts, stops and lists plugins while the host runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clnwire.error_codes import INVALID_PARAMS, PLUGIN_ERROR
from clnwire.errors import RpcError
from clnwire.host.errors import HostError
from clnwire.host.plugins.ending import end
from clnwire.host.plugins.launcher import PluginSpec
from clnwire.host.rules.chain import named
from clnwire.host.rules.decoding import as_array
from clnwire.host.rules.options import PLUGIN_START, Given

if TYPE_CHECKING:
    from clnwire.host.commands.commands import HostCommand, Params
    from clnwire.host.parts import Parts
    from clnwire.host.plugins.boot import Boot
    from clnwire.host.plugins.plugin import Plugin

_NO_OPTIONS: Final = frozenset(("subcommand", "plugin", "options"))


class PluginCommand:
    """Adds `plugin` with `start`, `stop`, `startdir`, `rescan` and `list` to the host."""

    def __init__(
        self,
        host: Parts,
        boot: Boot,
        launch: Callable[[PluginSpec], Plugin],
        directories: Sequence[Path],
        disabled: Sequence[str],
        shutdown_timeout: float,
    ) -> None:
        self._host, self._boot, self._launch = host, boot, launch
        self._directories, self._disabled = directories, disabled
        self._shutdown_timeout = shutdown_timeout
        usage = "subcommand [plugin|directory] [options] ..."
        self._host.commands.register_own("plugin", usage, self._run)

    async def _run(self, command: HostCommand) -> object:
        subcommand, caller = command.text(0, "subcommand"), command.token
        if subcommand == "stop":
            return await self._stop(command.text(1, "plugin"))
        if subcommand == "start":
            options = _options(command.decoded_params())
            await self._start(Path(command.text(1, "plugin")), options, caller)
        elif subcommand == "startdir":
            directory = Path(command.text(1, "directory"))
            if not directory.is_dir():
                raise RpcError(INVALID_PARAMS, f"directory: there is no folder {directory}")
            await self._start_new([directory], caller)
        elif subcommand == "rescan":
            directories = [self._host.directory.root / "plugins", *self._directories]
            await self._start_new(directories, caller)
        elif subcommand != "list":
            known = "start, stop, startdir, rescan and list"
            raise RpcError(INVALID_PARAMS, f"subcommand: there are {known}, not {subcommand!r}")
        return {"command": subcommand, "plugins": self._list()}

    def _list(self) -> list[dict[str, object]]:
        return [
            {
                "name": str(plugin.path),
                "active": plugin.initialised,
                "dynamic": plugin.manifest.dynamic,
            }
            for plugin in self._host.plugins.running()
        ]

    async def _start(self, path: Path, options: dict[str, Any], caller: bytes | None) -> None:
        if self._is_there(path):
            raise RpcError(PLUGIN_ERROR, f"{path}: already registered")
        try:
            given = {name: Given(value, PLUGIN_START) for name, value in options.items()}
            plugin = self._launch(PluginSpec(path))
            await self._boot.start(plugin, given, (), must_be_dynamic=True, caller=caller)
        except HostError as error:
            raise RpcError(PLUGIN_ERROR, f"{path}: {error}") from None
        if plugin.disabled is not None:
            raise RpcError(PLUGIN_ERROR, f"{path}: disabled itself: {plugin.disabled}")

    async def _start_new(self, directories: Sequence[Path], caller: bytes | None) -> None:
        """Starts the plugins that are not running. A failed start is only logged."""
        for path in executables(directories):
            if not self._is_there(path) and not any(named(path, name) for name in self._disabled):
                try:
                    await self._start(path, {}, caller)
                except RpcError as error:
                    self._host.remark(path.name, error.message)

    def _is_there(self, path: Path) -> bool:
        return any(plugin.path == path.absolute() for plugin in self._host.plugins.running())

    async def _stop(self, name: str) -> object:
        running = self._host.plugins.running()
        plugin = next((each for each in running if named(each.path, name)), None)
        if plugin is None:
            raise RpcError(INVALID_PARAMS, f"Could not find plugin {name}")
        if not plugin.manifest.dynamic:
            raise RpcError(PLUGIN_ERROR, f"{name} cannot be managed when lightningd is up")
        await end(plugin, self._shutdown_timeout)
        return {"command": "stop", "result": f"Successfully stopped {plugin.name}."}


def executables(directories: Sequence[Path]) -> list[Path]:
    """The executable files in the directories, sorted by name within each."""
    return [
        path
        for directory in directories
        if directory.is_dir()
        for path in sorted(directory.iterdir())
        if path.is_file() and os.access(path, os.X_OK)
    ]


def _options(params: Params) -> dict[str, Any]:
    """The options of `plugin start`: members, or `name=value` words; a bare name is a flag."""
    if isinstance(params, list):
        if len(params) > 2:
            raise RpcError(INVALID_PARAMS, "Extra parameters must be in object")
        return {}
    options = {name: value for name, value in params.items() if name not in _NO_OPTIONS}
    for word in as_array(params.get("options")) or []:
        name, equals, value = str(word).partition("=")
        options[name] = value if equals else True
    return options
