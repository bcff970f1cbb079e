"""A page followed by a reader who does what it says, in an empty folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.docs.pages import Block

_SECONDS = re.compile(r"\b\d+\.\d+s\b")
_LAST_LINE = "Ctrl-C ends it."
"""Of what `clnwire run` says before it can be called."""


class Session:
    """A reader's folder, which is their home too, and what they have started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[str]] = []
        self._stopped = False
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        # What there is to install is installed, and a test needs no network.
        self._env = {
            **os.environ,
            "COLUMNS": "80",
            "HOME": str(folder),
            "PATH": path,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INDEX": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def follow(self, block: Block) -> None:
        """Saves, runs or types what the block shows."""
        if block.not_run or block.run_by:
            return
        if block.file:
            (self.folder / block.file).write_text(block.text)
        elif block.language == "sh":
            self.run(block.text)
        elif block.language == "console":
            for command, shown in typed(block.text):
                assert _SECONDS.sub("…s", self._type(command)) == _SECONDS.sub("…s", shown)

    def run(self, script: str) -> None:
        """Runs the lines of a block, each of which must succeed."""
        done = self._shell(f"set -euo pipefail\n{script}")
        assert done.returncode == 0, done.stdout

    def _type(self, command: str) -> str:
        """What a command shows, with the folder as `~`; `clnwire run` stays."""
        self._stopped = command == "clnwire call stop"
        shown = (
            self._start(command)
            if command.startswith("clnwire run ")
            else self._shell(command).stdout
        )
        return shown.replace(str(self.folder), "~")

    def _shell(self, script: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return done

    def _start(self, command: str) -> str:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A process group as a shell makes one, for Ctrl-C.
            start_new_session=True,
        )
        self._running.append(process)
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if _LAST_LINE in line:
                break
        return "".join(lines)

    def end(self) -> None:
        """Ctrl-C wherever something runs on; it must end as it should."""
        for process in self._running:
            if not self._stopped and process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
            assert process.returncode == 0, rest

    def close(self) -> None:
        """Leaves no process behind, whatever has failed."""
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def typed(text: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what it shows."""
    return re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)
