"""The host's plugins and their combined options, methods, hooks, features and subscriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from clnwire._wire.nearest import did_you_mean
from clnwire.host.encoding import custom_notification, text_of
from clnwire.host.errors import HostError, ManifestError
from clnwire.host.rules.chain import CycleError, ordered

if TYPE_CHECKING:
    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.rules.manifest import Option
    from clnwire.host.rules.options import Setting


class Plugins:
    """The plugins, in the order of their start."""

    def __init__(self) -> None:
        self._plugins: list[Plugin] = []
        self._chains: dict[str, list[Plugin]] = {}
        self.configured: dict[str, Setting] = {}
        """The options that the user set. They are kept for a restart when the plugin ends."""

    def add(self, plugin: Plugin) -> None:
        """Adds a plugin. Removes dead plugins of the same file."""
        self._plugins = [
            old for old in self._plugins if old.death is None or old.path != plugin.path
        ]
        self._plugins.append(plugin)

    def remove(self, plugin: Plugin) -> None:
        """Removes a plugin, also from the hooks' chains."""
        self._plugins.remove(plugin)
        for chain in self._chains.values():
            if plugin in chain:
                chain.remove(plugin)

    def all(self) -> list[Plugin]:
        """All plugins that were started and not removed, including dead ones."""
        return list(self._plugins)

    def running(self) -> list[Plugin]:
        """The plugins that have not died."""
        return [plugin for plugin in self._plugins if plugin.death is None]

    def offering(self, method: str) -> Plugin | None:
        """The plugin that offers a method. Returns a dead plugin only if no running one has it."""
        offering = [plugin for plugin in self._plugins if method in plugin.manifest.methods]
        return min(offering, key=lambda plugin: plugin.death is not None, default=None)

    def options(self) -> dict[str, tuple[Plugin, Option]]:
        """The options of all running plugins, by name."""
        return {
            option.name: (plugin, option)
            for plugin in self.running()
            for option in plugin.manifest.options.values()
        }

    def features(self, own: Mapping[str, str]) -> dict[str, str]:
        """The feature bits of the daemon and its plugins combined, by place, in hexadecimal."""
        places = dict(own)
        for plugin in self.running():
            for place, bits in plugin.manifest.featurebits.items():
                places[place] = _united(places.get(place, ""), bits)
        return {place: bits for place, bits in places.items() if bits or place in own}

    def register_hooks(self, plugins: Sequence[Plugin]) -> dict[Plugin, ManifestError]:
        """Adds plugins to the chains of their hooks.

        Returns the errors of the plugins whose order is cyclic; these are in no chain.
        """
        refused: dict[Plugin, ManifestError] = {}
        for name in sorted({hook for plugin in plugins for hook in plugin.manifest.hooks}):
            self._chains[name] = self._longest(name, plugins, refused)
        for chain in self._chains.values():
            chain[:] = [plugin for plugin in chain if plugin not in refused]
        return refused

    def _longest(
        self, name: str, new: Sequence[Plugin], refused: dict[Plugin, ManifestError]
    ) -> list[Plugin]:
        """The chain with the new plugins, but those in a cycle, which are added to `refused`."""
        members = {*self.chain(name), *(each for each in new if name in each.manifest.hooks)}
        while True:
            # In the order of the starts, not in that of an earlier chain.
            waiting = [each for each in self._plugins if each in members and each not in refused]
            try:
                return ordered(name, waiting)
            except CycleError as error:
                rule = f"cannot be put in order: {error}"
                for plugin in filter(new.__contains__, error.plugins):
                    refused[plugin] = ManifestError(plugin.name, f"hooks ({name})", rule)

    def chain(self, name: str) -> list[Plugin]:
        """The plugins to call for a hook, in order, without those that ended or are ending."""
        chain = self._chains.get(name, ())
        return [plugin for plugin in chain if plugin.death is None and not plugin.closed]

    def hooked(self, name: str) -> list[Plugin]:
        """The chain of a hook. Raises `PluginDiedError` or `HostError` if nobody is in it."""
        if chain := self.chain(name):
            return chain
        for plugin in self._chains.get(name, ()):
            if plugin.death is not None:
                raise plugin.death
        if not self._plugins:
            raise HostError("no plugin has been started")
        names = ", ".join(f"'{plugin.name}'" for plugin in self._plugins)
        known = [hook for plugin in self._plugins for hook in plugin.manifest.hooks]
        near = did_you_mean(name, known)
        raise HostError(f"plugin {names} has not registered the hook {name!r}{near}")

    def is_heard(self, topic: str) -> bool:
        """Whether a running plugin has subscribed to a topic."""
        return any(plugin.subscriptions_to(topic) for plugin in self.running())

    def notify(
        self, topic: str, payload: object, origin: str | None, *, but: str | None = None
    ) -> int:
        """Sends a notification as `Host.notify` does, but not to the plugin named `but`."""
        listeners = [
            plugin
            for plugin in self.running()
            if plugin.name != but and plugin.subscriptions_to(topic)
        ]
        if not listeners:
            return 0
        text = text_of(payload)
        if origin is None:
            message = listeners[0].notification(topic, text)
        else:
            message = custom_notification(topic, origin, text)
        return sum(plugin.notify(message, topic) for plugin in listeners)


def _united(one: str, other: str) -> str:
    """The bitwise OR of two hexadecimal strings."""
    length = max(len(one), len(other)) // 2
    bits = int.from_bytes(bytes.fromhex(one), "big") | int.from_bytes(bytes.fromhex(other), "big")
    return bits.to_bytes(length, "big").hex()
