"""The demo's own replica: the plugin `clnwire-replica`, its settings, and restoring from it."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.cli.demo.node import DATABASE
from clnwire.replica.engines.local import make_directory
from clnwire.replica.errors import RefusedError
from clnwire.replica.opening import open_engine
from clnwire.replica.reading import Reader
from clnwire.replica.restoring import restore
from clnwire.replica.sealing import sealing_of
from clnwire.replica.settings import ENVIRONMENT, FILE, from_table, render

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.settings import ReplicaSettings

_PLUGIN: Final = f"#!{sys.executable}\nfrom clnwire.replica.plugin import main\n\nmain()\n"


class DemoReplica:
    """A replica that begins with the demo."""

    def __init__(self, directory: Path, engine: str | None) -> None:
        """Writes settings and plugin into the directory.

        Raises `ReplicaError` for an engine that cannot be used.
        """
        self.plugin = directory / "clnwire-replica"
        self.plugin.write_text(_PLUGIN, encoding="utf-8")
        self.plugin.chmod(0o700)
        self._settings = _settings(directory, engine)
        file = directory / FILE
        file.write_text(render(self._settings, directory), encoding="utf-8")
        self.environment = {ENVIRONMENT: str(file)}

    def restore(self, target: Path) -> float:
        """Makes the node's database from the replica. Returns the seconds that it took."""
        settings = self._settings
        engine = open_engine(settings)
        try:
            reader = Reader(engine, sealing_of(settings))
            return restore(reader, target, reader.newest(), _no_steps).seconds
        finally:
            engine.close()


def _no_steps(_what: str, _done: int, _total: int) -> None:
    pass


def _settings(directory: Path, engine: str | None) -> ReplicaSettings:
    # An engine that is not the demo's own has nodes of other runs.
    table: dict[str, str] = {
        "engine": engine or f"file:{directory / 'replica'}",
        "node": f"demo-{secrets.token_hex(4)}",
        "database": DATABASE,
    }
    settings = from_table(table, directory / FILE)
    if engine is None:
        make_directory(settings.local_directory)
        try:
            open_engine(settings).close()
        except RefusedError:
            # The directory is in memory, as /tmp often is.
            settings = msgspec.structs.replace(settings, survives="process-crash")
    return settings
