"""Starts a plugin's process, or a thread that serves a `Plugin` object."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING
from weakref import WeakKeyDictionary

from msgspec import Struct

from clnwire import program
from clnwire._core import Framer, IdMap
from clnwire._wire.environment import LIGHTNINGD_VERSION
from clnwire.host.errors import HostError
from clnwire.host.plugins.in_process import ThreadedPlugin, name_of
from clnwire.host.plugins.plugin import Plugin
from clnwire.host.plugins.process import Child, Cut, spawn
from clnwire.plugin import Plugin as PluginObject

if TYPE_CHECKING:
    from clnwire.host.parts import Parts
    from clnwire.host.rules.dialect import HostDialect


class PluginSpec(Struct, frozen=True):
    """A plugin to start."""

    path: str | Path | PluginObject
    """The plugin's file, or a `clnwire.Plugin`, which a thread of this process serves."""
    important: bool = False
    """Whether the host ends when the plugin does."""
    arguments: Sequence[str] = ()
    """The command line's arguments after the file."""


def command_line(path: str | Path) -> list[str]:
    """The file, after this Python if it is not executable. Raises `HostError`."""
    try:
        return program.of_file(path)
    except program.ProgramError as error:
        raise HostError(str(error)) from None


def environment_of(dialect: HostDialect, env: Mapping[str, str]) -> dict[str, str]:
    """A plugin's environment: this process's, the daemon's additions, and `env`."""
    environment = {name: value for name, value in os.environ.items() if name != LIGHTNINGD_VERSION}
    if dialect.version is not None:
        environment[LIGHTNINGD_VERSION] = dialect.version
    return {**environment, **env}


class Launcher:
    """Starts plugins."""

    def __init__(
        self,
        host: Parts,
        framer: Callable[[], Framer],
        *,
        cut: Cut | None = None,
        own_groups: bool = False,
        started_in: str | Path | None = None,
    ) -> None:
        self._host, self._framer, self._started_in = host, framer, started_in
        self._cut, self._own_groups = cut, own_groups
        self._ids = IdMap()
        self._names: WeakKeyDictionary[PluginObject, str] = WeakKeyDictionary()

    def launch(
        self,
        spec: PluginSpec,
        env: Mapping[str, str] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Plugin:
        """Starts a plugin's process, or its thread. Raises `HostError`."""
        self._host.owner.on_start()
        dialect, directory = self._host.dialect, self._host.directory
        if isinstance(spec.path, (str, Path)):
            path = Path(spec.path).absolute()
            child: Child = spawn(
                [*command_line(spec.path), *spec.arguments],
                cwd=directory.path if dialect.has_network_folder else self._started_in,
                env=environment_of(dialect, env or {}),
                stderr=stderr,
                own_group=self._own_groups,
            )
            owns_group = self._own_groups
        else:
            if spec.arguments or env or stderr is not None:
                raise HostError("a Plugin object has no arguments, env or stderr of its own")
            path = Path(self._name(spec.path))
            child = ThreadedPlugin(spec.path, path.name, dialect.version)
            owns_group = False  # The thread runs in the host's own process.
        return Plugin(
            path,
            self._host.owner,
            self._ids,
            dialect,
            child,
            self._framer(),
            cut=self._cut,
            owns_group=owns_group,
            important=spec.important,
        )

    def _name(self, plugin: PluginObject) -> str:
        """A unique name for the plugin, because logs and topics identify plugins by name."""
        if plugin not in self._names:
            name = name_of(plugin)
            count = sum(other.startswith(name) for other in self._names.values())
            self._names[plugin] = name if not count else f"{name}-{count + 1}"
        return self._names[plugin]
