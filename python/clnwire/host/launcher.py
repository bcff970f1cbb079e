"""From a file to a process that speaks to the host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

from clnwire._core import IdMap
from clnwire.host.plugin import Plugin
from clnwire.host.process import spawn
from clnwire.host.startup import command_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clnwire._core import Framer
    from clnwire.host.dialect import Dialect
    from clnwire.host.directory import Directory
    from clnwire.host.plugin import Owner
    from clnwire.host.spec import PluginSpec


class Launcher:
    """Starts processes in the host's directory."""

    def __init__(
        self,
        owner: Owner,
        directory: Directory,
        dialect: Dialect,
        framer: Callable[[], Framer],
    ) -> None:
        self._owner, self._directory = owner, directory
        self._dialect, self._framer = dialect, framer
        self._ids = IdMap()

    def launch(
        self,
        spec: PluginSpec,
        env: Mapping[str, str] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Plugin:
        """Starts a plugin's process. Raises `HostError`."""
        argv = [*command_line(spec.path), *spec.arguments]
        environment = {**os.environ, **(env or {})}
        popen = spawn(argv, cwd=self._directory.path, env=environment, stderr=stderr)
        path = Path(spec.path).absolute()
        plugin = Plugin(path, self._owner, self._ids, self._dialect, important=spec.important)
        plugin.run(popen, self._framer())
        return plugin
