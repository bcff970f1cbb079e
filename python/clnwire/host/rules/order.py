"""The order of a hook's plugins: the order of registration, subject to `before` and `after`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.rules.manifest import HostHook


class CycleError(Exception):
    """The plugins' `before` and `after` constraints contain a cycle."""

    def __init__(self, plugins: list[Plugin]) -> None:
        """`plugins` is the cycle: each must come before the next one, the last before the first."""
        self.plugins = plugins
        names = [plugin.name for plugin in plugins]
        super().__init__(" before ".join([*names, names[0]]))


def ordered(hook: str, plugins: Sequence[Plugin]) -> list[Plugin]:
    """The plugins in the order of the chain; unknown names are ignored. Raises `CycleError`."""
    earlier = _constraints(hook, plugins)
    waiting = list(plugins)
    done: list[Plugin] = []
    while waiting:
        free = next(
            (plugin for plugin in waiting if not earlier[plugin].intersection(waiting)), None
        )
        if free is None:
            raise CycleError(_cycle(waiting, earlier))
        waiting.remove(free)
        done.append(free)
    return done


def named(path: Path, name: str) -> bool:
    """Whether `name` is a plugin's path or ends it after a `/`."""
    return str(path) == name or str(path).endswith(f"/{name}")


def _constraints(hook: str, plugins: Sequence[Plugin]) -> dict[Plugin, set[Plugin]]:
    """For each plugin, the plugins that must come before it."""
    earlier: dict[Plugin, set[Plugin]] = {plugin: set() for plugin in plugins}
    for plugin in plugins:
        registered: HostHook = plugin.manifest.hooks[hook]
        for other in plugins:
            if any(named(other.path, name) for name in registered.before):
                earlier[other].add(plugin)
            if any(named(other.path, name) for name in registered.after):
                earlier[plugin].add(other)
    return earlier


def _cycle(waiting: Sequence[Plugin], earlier: dict[Plugin, set[Plugin]]) -> list[Plugin]:
    """A cycle among `waiting`, where each plugin must come after another one of them."""
    trail = [waiting[0]]
    while True:
        previous = next(plugin for plugin in waiting if plugin in earlier[trail[-1]])
        if previous in trail:
            return trail[trail.index(previous) :][::-1]
        trail.append(previous)
