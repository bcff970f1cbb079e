"""The plugins that a host has, and what they make of the daemon as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire.host.errors import HostError
from clnwire.host.names import did_you_mean
from clnwire.host.texts import custom_notification, text_of

if TYPE_CHECKING:
    from clnwire.host.manifest import Hook
    from clnwire.host.plugin import Plugin


class Plugins:
    """Plugins in the order of their start; one of them today."""

    def __init__(self) -> None:
        self._plugins: list[Plugin] = []

    def check_room(self) -> None:
        """Raises `HostError` if no more can be started."""
        if self._plugins:
            raise HostError(f"this host runs one plugin, and has '{self._plugins[0].name}'")

    def add(self, plugin: Plugin) -> None:
        """A plugin was started."""
        self._plugins.append(plugin)

    def remove(self, plugin: Plugin) -> None:
        """A plugin is not to run."""
        self._plugins.remove(plugin)

    def all(self) -> list[Plugin]:
        """Those that were started, dead ones included."""
        return list(self._plugins)

    def running(self) -> list[Plugin]:
        """Those that are up."""
        return [plugin for plugin in self._plugins if plugin.death is None]

    def offering(self, method: str) -> Plugin | None:
        """The plugin that offers a method, even if it is dead."""
        for plugin in self._plugins:
            if method in plugin.manifest.methods:
                return plugin
        return None

    def hooked(self, name: str) -> tuple[Plugin, Hook] | None:
        """The plugin that has registered a hook, even if it is dead."""
        for plugin in self._plugins:
            hook = plugin.manifest.hooks.get(name)
            if hook is not None:
                return plugin, hook
        return None

    def why_not_hooked(self, name: str) -> str:
        """What to tell who calls a hook that nobody has registered."""
        if not self._plugins:
            return "no plugin has been started"
        names = ", ".join(f"'{plugin.name}'" for plugin in self._plugins)
        known = [hook for plugin in self._plugins for hook in plugin.manifest.hooks]
        return f"plugin {names} has not registered the hook {name!r}{did_you_mean(name, known)}"

    def notify(self, topic: str, payload: object, origin: str | None) -> int:
        """Sends a notification to who has subscribed, and says how often it was sent."""
        listeners = [plugin for plugin in self._plugins if plugin.subscriptions_to(topic)]
        if not listeners:
            return 0
        text = text_of(payload)
        if origin is None:
            message = listeners[0].notification(topic, text)
        else:
            message = custom_notification(topic, origin, text)
        return sum(plugin.notify(message, topic) for plugin in listeners)
