"""The command line as a user runs it: processes, and what they say."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ENV = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
"""The examples' first lines name the Python of the environment, as a plugin's does."""
CLNWIRE = [sys.executable, "-m", "clnwire"]
PATIENCE = 60.0
"""Seconds for a command."""


def clnwire(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; what it says must never be a traceback."""
    done = _Preloaded.run(list(map(str, words)), cwd or Path.cwd())
    assert "Traceback" not in done.stderr, done.stderr
    return done


class _Preloaded:
    """The process that `tests/cli/preloaded.py` describes; one for all tests of a worker."""

    _one: _Preloaded | None = None
    _busy = threading.Lock()

    @classmethod
    def run(cls, words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
        # Coverage is measured from a process's start; and a second command at a time has its own.
        if "COVERAGE_PROCESS_CONFIG" in os.environ or not cls._busy.acquire(blocking=False):
            return _in_a_process(words, cwd)
        try:
            cls._one = cls._one or cls()
            return cls._one._run(words, cwd)
        except BaseException:
            # A test's time-out, too: what comes back belongs to the command that it cut short.
            if cls._one is not None:
                cls._one._end()
                cls._one = None
            raise
        finally:
            cls._busy.release()

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._control.settimeout(PATIENCE)
        program = Path(__file__).with_name("preloaded.py")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, program, str(theirs.fileno())],
                env=ENV,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self._end)

    def _end(self) -> None:
        atexit.unregister(self._end)
        self._control.close()
        self._process.kill()
        self._process.wait()

    def _run(self, words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
        (output, into_output), (errors, into_errors) = os.pipe(), os.pipe()
        text = json.dumps({"words": words, "cwd": str(cwd)}) + "\n"
        socket.send_fds(self._control, [text.encode()], [into_output, into_errors])
        os.close(into_output)
        os.close(into_errors)
        with ThreadPoolExecutor(2) as pool:
            said = [pool.submit(_all_of, each) for each in (output, errors)]
            pid = self._number()
            try:
                status = self._number()
            except BaseException:
                os.kill(pid, signal.SIGKILL)
                raise
        return subprocess.CompletedProcess(words, status, said[0].result(), said[1].result())

    def _number(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            byte = self._control.recv(1)
            assert byte, "tests/cli/preloaded.py has ended"
            line += byte
        return int(line)


def _all_of(descriptor: int) -> str:
    with open(descriptor) as stream:
        return stream.read()


def _in_a_process(words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLNWIRE, *words],
        cwd=cwd,
        env=ENV,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
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
        argv = [*CLNWIRE, "run", "--lightning-dir", str(folder), *map(str, words)]
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**ENV, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            # A process group as a shell makes one, for Ctrl-C.
            start_new_session=True,
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
        for line in self.process.stdout:
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
        return self.process.stderr.read()

    def call(self, *words: str | Path, command: str = "call") -> subprocess.CompletedProcess[str]:
        return clnwire(command, "--lightning-dir", self.folder, *words)

    def ctrl_c(self) -> None:
        """As a terminal does it: to all of the group, the plugins included."""
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self) -> tuple[int, str, str]:
        """Waits for the end: the status, and the rest of both outputs."""
        output, errors = self.process.communicate(timeout=60)
        assert "Traceback" not in (errors or output), errors or output
        return self.process.returncode, output, errors


def is_running(pid: int) -> bool:
    """Whether there still is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
