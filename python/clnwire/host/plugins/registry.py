"""The plugins that a host has, and what they make of the daemon as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire.host.encoding import custom_notification, text_of
from clnwire.host.errors import ManifestError
from clnwire.host.rules.manifest import ReservedNames
from clnwire.host.rules.names import OPTIONS, did_you_mean
from clnwire.host.rules.order import CycleError, named, ordered

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.rules.manifest import Option
    from clnwire.host.rules.options import Setting


class Plugins:
    """Plugins in the order of their start."""

    def __init__(self) -> None:
        self._plugins: list[Plugin] = []
        self._chains: dict[str, list[Plugin]] = {}
        self.configured: dict[str, Setting] = {}
        """The options that a user has set. They outlive their plugin, which may start anew."""

    def add(self, plugin: Plugin) -> None:
        """A plugin was started. One that had ended before is forgotten if it is of this file."""
        self._plugins = [
            old for old in self._plugins if old.death is None or old.path != plugin.path
        ]
        self._plugins.append(plugin)

    def remove(self, plugin: Plugin) -> None:
        """A plugin is not to run."""
        self._plugins.remove(plugin)
        for chain in self._chains.values():
            if plugin in chain:
                chain.remove(plugin)

    def all(self) -> list[Plugin]:
        """Those that were started, dead ones included."""
        return list(self._plugins)

    def running(self) -> list[Plugin]:
        """Those that are up."""
        return [plugin for plugin in self._plugins if plugin.death is None]

    def named(self, name: str) -> Plugin | None:
        """The running plugin with this path, or with a path that ends like this."""
        return next((plugin for plugin in self.running() if named(plugin.path, name)), None)

    def offering(self, method: str) -> Plugin | None:
        """The plugin that offers a method: a dead one only if no other does."""
        offering = [plugin for plugin in self._plugins if method in plugin.manifest.methods]
        return min(offering, key=lambda plugin: plugin.death is not None, default=None)

    def options(self) -> dict[str, tuple[Plugin, Option]]:
        """The options of all that are up, by name."""
        return {
            option.name: (plugin, option)
            for plugin in self.running()
            for option in plugin.manifest.options.values()
        }

    def taken(self, commands: Collection[str], features: Mapping[str, str]) -> ReservedNames:
        """The names that are not free for another plugin."""
        plugins = [(plugin.name, plugin.manifest) for plugin in self.running()]
        return ReservedNames(OPTIONS, commands, self.features(features), plugins)

    def features(self, own: Mapping[str, str]) -> dict[str, str]:
        """The daemon's feature bits and those of its plugins."""
        places = dict(own)
        for plugin in self.running():
            for place, bits in plugin.manifest.featurebits.items():
                places[place] = _united(places.get(place, ""), bits)
        return {place: bits for place, bits in places.items() if bits or place in own}

    def register_hooks(self, plugins: Sequence[Plugin]) -> dict[Plugin, ManifestError]:
        """Puts plugins into the chains of their hooks; the errors of those that fit into none."""
        refused: dict[Plugin, ManifestError] = {}
        for name in sorted({hook for plugin in plugins for hook in plugin.manifest.hooks}):
            new = [plugin for plugin in plugins if name in plugin.manifest.hooks]
            old = [plugin for plugin in self.chain(name) if plugin not in new]
            self._chains[name] = self._longest(name, old, new, refused)
        for chain in self._chains.values():
            chain[:] = [plugin for plugin in chain if plugin not in refused]
        return refused

    def _longest(
        self,
        name: str,
        old: Sequence[Plugin],
        new: Sequence[Plugin],
        refused: dict[Plugin, ManifestError],
    ) -> list[Plugin]:
        """The chain without those new ones that are in a cycle."""
        while True:
            candidates = [*old, *(plugin for plugin in new if plugin not in refused)]
            # Registration counts, not the order that an earlier chain had.
            candidates.sort(key=self._plugins.index)
            try:
                return ordered(name, candidates)
            except CycleError as error:
                for plugin in error.plugins:
                    if plugin in new:
                        rule = f"cannot be put in order: {error}"
                        refused[plugin] = ManifestError(plugin.name, f"hooks ({name})", rule)

    def chain(self, name: str) -> list[Plugin]:
        """The plugins that are asked for a hook, in their order; those that end are not."""
        chain = self._chains.get(name, ())
        return [plugin for plugin in chain if plugin.death is None and not plugin.closed]

    def last_hooked(self, name: str) -> Plugin | None:
        """A plugin that had a hook and has ended."""
        return next((plugin for plugin in self._chains.get(name, ()) if plugin.death), None)

    def why_not_hooked(self, name: str) -> str:
        """What to tell who calls a hook that nobody has registered."""
        if not self._plugins:
            return "no plugin has been started"
        names = ", ".join(f"'{plugin.name}'" for plugin in self._plugins)
        known = [hook for plugin in self._plugins for hook in plugin.manifest.hooks]
        return f"plugin {names} has not registered the hook {name!r}{did_you_mean(name, known)}"

    def is_heard(self, topic: str) -> bool:
        """Whether anybody has subscribed to a topic."""
        return any(plugin.subscriptions_to(topic) for plugin in self.running())

    def notify(
        self, topic: str, payload: object, origin: str | None, *, but: str | None = None
    ) -> int:
        """Sends a notification to who has subscribed, and says how often it was sent.

        The plugin whose name is `but` does not get it.
        """
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
    """The bits of both, in hexadecimal."""
    length = max(len(one), len(other)) // 2
    bits = int.from_bytes(bytes.fromhex(one), "big") | int.from_bytes(bytes.fromhex(other), "big")
    return bits.to_bytes(length, "big").hex()
