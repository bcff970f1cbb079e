"""What runs beside the node's sets: figures are written, and bases made by another process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Final

from clnwire.replica import metrics
from clnwire.replica.errors import ReplicaError
from clnwire.replica.opening import open_engine
from clnwire.replica.records import VERSIONS

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.keeper import Keeper, Log
    from clnwire.replica.metrics import Status
    from clnwire.replica.settings import ReplicaSettings

METRICS_SECONDS: Final = 10.0
_FIRST_SECONDS: Final = 1.0
"""When the figures are first written: a start is usually done by then."""
COMPACT: Final = ("-m", "clnwire", "replica", "compact")


class Housekeeping:
    """A thread that runs until `end`."""

    def __init__(self, path: Path, settings: ReplicaSettings, keeper: Keeper, log: Log) -> None:
        """Starts it. `path` is that of the settings."""
        self._path, self._settings, self._keeper, self._log = path, settings, keeper, log
        self._compaction = Compaction(path, settings, keeper.status, log)
        self.notice = ""
        """What is wrong although sets are stored; another thread may set it."""
        self._ended = threading.Event()
        name = "clnwire-replica-housekeeping"
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        pause = _FIRST_SECONDS
        while not self._ended.wait(pause):
            pause = METRICS_SECONDS
            self.write_metrics()
            self._compaction.look()

    def write_metrics(self) -> None:
        """Writes the figures, and logs a new warning."""
        status = self._keeper.status
        warning = self._keeper.warning() or self.notice
        if warning and not status.warning:
            self._log("broken", warning)
        status.warning = warning
        status.version = status.sequence % VERSIONS
        status.verified = metrics.read_verified(self._path.parent)
        try:
            metrics.write(status, self._settings)
        except OSError as error:
            self._log("unusual", f"{self._settings.metrics}: cannot be written: {error.strerror}")
        status.slowest_seconds = 0.0

    def end(self) -> None:
        """Ends the thread, and writes the figures for the last time."""
        self._ended.set()
        self._thread.join(METRICS_SECONDS)
        self.write_metrics()


class Compaction:
    """Has a new base made when the sets since the last one have become many.

    The process is another one, since the node waits for this one.
    """

    def __init__(self, path: Path, settings: ReplicaSettings, status: Status, log: Log) -> None:
        self.command = [sys.executable, *COMPACT]
        self._environment = {**os.environ, "CLNWIRE_REPLICA_SETTINGS": str(path)}
        self._settings, self._status, self._log = settings, status, log
        self.process: subprocess.Popen[bytes] | None = None
        self._bytes_at_start = 0
        self._next_at = settings.snapshot_interval

    def look(self) -> None:
        """Starts the process if it is time, or notes how it has ended."""
        process = self.process
        if process is not None:
            if process.poll() is not None:
                self.process = None
                said = process.communicate()[1].decode(errors="replace").strip()
                if process.returncode == 0:
                    self._note_base()
                else:
                    self._put_off(said[-500:])
        elif self._status.bytes_since_base >= self._next_at:
            self._bytes_at_start = self._status.bytes_since_base
            try:
                self.process = subprocess.Popen(
                    self.command,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
            except OSError as error:
                self._put_off(str(error))

    def _put_off(self, reason: str) -> None:
        # Not at once again: what failed will fail.
        self._next_at = self._status.bytes_since_base + self._settings.snapshot_interval // 4
        self._log("unusual", f"no new base could be made, and the log grows: {reason}")

    def _note_base(self) -> None:
        status = self._status
        status.bytes_since_base -= self._bytes_at_start
        self._next_at = self._settings.snapshot_interval
        try:
            with closing(open_engine(self._settings)) as engine:
                base = engine.bases()[-1]
        except ReplicaError as error:
            self._log("unusual", f"the new base cannot be looked at: {error}")
            return
        status.base_created, status.base_sequence = base.created, base.sequence
        self._log("info", f"a new base at version {base.sequence % VERSIONS} is stored")
