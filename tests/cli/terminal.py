"""The command line as a user runs it: processes, and what they say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.forked import Forked, Preloaded

ENV = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
"""The examples' first lines name the Python of the environment, as a plugin's does."""
CLNWIRE = [sys.executable, "-m", "clnwire"]
PATIENCE = 60.0
"""Seconds for a command."""
_COMMANDS = (
    "bench",
    "call",
    "check",
    "demo",
    "fire",
    "hook",
    "new",
    "record",
    "replay",
    "run",
    "trace",
)
_PRELOADED = Preloaded(
    "clnwire.cli._group",
    *(f"clnwire.cli.{name}" for name in _COMMANDS),
    "clnwire.bench",
    "clnwire.checking",
    "clnwire.replay",
    "rich.console",
    "typer.main",
    "typer.rich_utils",
    # Newer versions of Typer import it with the first command, and with it all of Pydantic.
    "typer._adapters",
    "pydantic.plugin._loader:get_plugins",
    # What the others import with their first command.
    "importlib.metadata",
    "importlib.resources.readers",
    "orjson",
    "rich._emoji_codes",
    "typer._click._textwrap",
    "typer._click.decorators",
)


def clnwire(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; what it says must never be a traceback."""
    done = python("-m", "clnwire", *words, cwd=cwd)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def python(
    *words: str | Path, cwd: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Runs a file, or `-m` and a module, to its end."""
    process = started(*words, cwd=cwd, env=env)
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return subprocess.CompletedProcess(
        process.args, process.wait(), output.decode(), errors.decode()
    )


def started(
    *words: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    has_session: bool = False,
) -> subprocess.Popen[bytes] | Forked:
    """Starts a file, or `-m` and a module, as `Preloaded.start` does; `env` adds to this one."""
    return _PRELOADED.start(
        words,
        cwd=cwd,
        env={**os.environ, "PATH": ENV["PATH"], **(env or {})},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        has_session=has_session,
    )


def one_line(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The single line on stderr with which a command ended."""
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name; removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="cw") as folder:
        yield Path(folder)


class Running:
    """`clnwire run` in one terminal, and calls from another one."""

    def __init__(
        self,
        folder: Path,
        *words: str | Path,
        cwd: Path | None = None,
        stderr: int = subprocess.PIPE,
    ) -> None:
        self.folder = folder
        self.output: list[str] = []
        self.process = started(
            *("-m", "clnwire", "run", "--lightning-dir", folder, *words),
            cwd=cwd,
            env={"PYTHONUNBUFFERED": "1"},
            stderr=stderr,
            # A process group as a shell makes one, for Ctrl-C.
            has_session=True,
        )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    @property
    def socket(self) -> Path:
        return self.folder / "regtest" / "lightning-rpc"

    def until(self, part: str) -> str:
        """Reads the output up to the line that has this part."""
        assert self.process.stdout is not None
        for line in map(bytes.decode, self.process.stdout):
            self.output.append(line)
            if part in line:
                return line
        raise AssertionError(f"ended without {part!r}: {self.output} {self.errors()}")

    def ready(self) -> Running:
        """Waits until the host says that it can be called."""
        self.until("Ctrl-C ends it.")
        return self

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def call(self, *words: str | Path, command: str = "call") -> subprocess.CompletedProcess[str]:
        return clnwire(command, "--lightning-dir", self.folder, *words)

    def ctrl_c(self) -> None:
        """As a terminal does it: to all of the group, the plugins included."""
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self) -> tuple[int, str, str]:
        """Waits for the end: the status, and the rest of both outputs."""
        output, errors = (
            (said or b"").decode() for said in self.process.communicate(timeout=PATIENCE)
        )
        assert "Traceback" not in (errors or output), errors or output
        return self.process.wait(), output, errors


def is_running(pid: int) -> bool:
    """Whether there still is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
