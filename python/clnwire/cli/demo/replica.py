"""The demo's own replica: the plugin `clnwire-replica`, its settings, and restoring from it."""

import secrets
import sys
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from clnwire.cli.demo.node import DATABASE
from clnwire.cli.replica._common import opened
from clnwire.replica.engines.local import make_directory
from clnwire.replica.errors import RefusedError
from clnwire.replica.opening import open_engine
from clnwire.replica.restoring import restore
from clnwire.replica.settings import ENVIRONMENT, FILE, from_table, render

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
        self._directory, file = directory, directory / FILE
        self.environment = {ENVIRONMENT: str(file)}
        # An engine that is not the demo's own has nodes of other runs.
        node = f"demo-{secrets.token_hex(4)}"
        table = {"engine": engine or f"file:{directory / 'replica'}", "node": node}
        settings = from_table({**table, "database": DATABASE}, file)
        if engine is None:
            make_directory(settings.local_directory)
            try:
                open_engine(settings).close()
            except RefusedError:
                # The directory is in memory, as /tmp often is.
                settings = replace(settings, survives="process-crash")
        file.write_text(render(settings, directory), encoding="utf-8")

    def restore(self, target: Path) -> float:
        """Makes the node's database from the replica. Returns the seconds that it took."""
        with opened(self._directory, as_json=True) as found:
            return restore(found.reader, target, found.reader.newest(), found.steps).seconds
