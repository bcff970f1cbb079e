"""The daemon's commands that the host implements, except those about plugins and options."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from clnwire._wire.codec import split
from clnwire.error_codes import METHOD_NOT_FOUND
from clnwire.errors import RpcError
from clnwire.host.commands.commands import CommandOutcome, HostCommand
from clnwire.host.rules.decoding import object_text

if TYPE_CHECKING:
    from clnwire.host.commands.configs import Configs
    from clnwire.host.parts import Parts


class Builtin:
    """Adds `getinfo`, `help`, `check`, `notifications`, `deprecations` and `stop` to the host."""

    def __init__(
        self, host: Parts, configs: Configs, shut_down: Callable[[], Awaitable[None]]
    ) -> None:
        self._host, self._configs, self._shut_down = host, configs, shut_down
        own = host.commands.register_own
        own("getinfo", "", lambda _: self._host.directory.info())
        own("help", "[command]", self._help)
        own("check", "command_to_check", self._check)
        own("notifications", "enable", partial(_switch, "wants_notices"))
        own("deprecations", "enable", partial(_switch, "allows_deprecated"))
        own("stop", "", self._stop)

    def _help(self, command: HostCommand) -> object:
        wanted = command.argument(0, "command", "")
        lines = {usage.partition(" ")[0]: usage for usage in self._host.commands.usages()}
        for plugin in self._host.plugins.running():
            for method in plugin.manifest.methods.values():
                lines[method.name] = f"{method.name} {method.usage}".strip()
        if wanted and wanted not in lines:
            raise RpcError(METHOD_NOT_FOUND, f"Unknown command '{wanted}'")
        chosen = [wanted] if wanted else sorted(lines)
        return {"help": [{"command": lines[name]} for name in chosen], "format-hint": "simple"}

    async def _check(self, command: HostCommand) -> object:
        """Passes the request to a plugin that can check. Otherwise any known command passes."""
        name = command.text(0, "command_to_check")
        if name == "setconfig":
            params = _without_first(command.params)
            await self._configs.check(structs.replace(command, method=name, params=params))
            return {"command_to_check": name}
        plugin = self._host.plugins.offering(name)
        if plugin is not None and plugin.death is None:
            if plugin.manifest.cancheck:
                if command.frame is not None:
                    return CommandOutcome(await plugin.forward(command.frame, caller=command.token))
                return CommandOutcome(
                    await plugin.request("check", command.params, caller=command.token)
                )
            caller = (command.token or b"null").decode()
            text = f"Plugin does not support check command for {name} (id {caller})"
            self._host.remark(plugin.name, text)
        elif name not in self._host.commands:
            raise RpcError(METHOD_NOT_FOUND, f"Unknown command '{name}'")
        return {"command_to_check": name}

    async def _stop(self, command: HostCommand) -> object:
        """Replies when all plugins have ended."""
        del command
        await self._shut_down()
        return "Shutdown complete"


def _without_first(params: bytes) -> bytes:
    """The params of the command that is to be checked."""
    given = split(params)
    if isinstance(given, list):
        return b"[%s]" % b",".join(given[1:])
    return object_text((name, text) for name, text in given.items() if name != "command_to_check")


def _switch(setting: str, command: HostCommand) -> object:
    """Turns a member of the caller's `CallerSettings` on or off."""
    enable = command.argument(0, "enable", default=False)
    if command.session is not None:
        setattr(command.session, setting, enable)
    return {}
