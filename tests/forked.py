"""Programs that `tests/preloaded.py` runs, as `subprocess.Popen` has those that it starts."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import BinaryIO


class Preloaded:
    """A process that has imported these modules, and is started with the first program."""

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._busy = threading.Lock()
        self._control: socket.socket | None = None

    def start(
        self,
        words: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str],
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        has_session: bool = False,
    ) -> subprocess.Popen[bytes] | Forked:
        """Starts a program in Python; the arguments as for `Popen`.

        `has_session`: it leads a session, and so a process group, of its own.
        """
        argv, cwd = [str(word) for word in words], cwd or Path.cwd()
        # Coverage is measured from a process's start.
        if "COVERAGE_PROCESS_CONFIG" in os.environ:
            return subprocess.Popen(
                [sys.executable, *argv],
                cwd=cwd,
                env=env,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=has_session,
            )
        program = {"cwd": str(cwd), "environment": dict(env), "has_session": has_session}
        return Forked(self, argv, program, stdin, stdout, stderr)

    def send(self, program: Mapping[str, object], descriptors: list[int]) -> None:
        with self._busy:
            if self._control is None:
                self._control = self._begin()
            text = json.dumps(program).encode() + b"\n"
            sent = socket.send_fds(self._control, [text], descriptors)
            self._control.sendall(text[sent:])

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [
                    sys.executable,
                    Path(__file__).with_name("preloaded.py"),
                    str(theirs.fileno()),
                    *self._modules,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

        def end() -> None:
            ours.close()
            process.wait()

        atexit.register(end)
        return ours


class Forked:
    """The part of `Popen` that tests use."""

    def __init__(
        self,
        preloaded: Preloaded,
        words: list[str],
        program: dict[str, object],
        stdin: int,
        stdout: int,
        stderr: int,
    ) -> None:
        self.args = [sys.executable, *words]
        self.returncode: int | None = None
        self.stdin: BinaryIO | None = None
        self._to_close: list[int] = []
        their_input = stdin
        if stdin == subprocess.PIPE:
            their_input, into = os.pipe()
            self.stdin = os.fdopen(into, "wb")
            self._to_close.append(their_input)
        elif stdin == subprocess.DEVNULL:
            their_input = os.open(os.devnull, os.O_RDONLY)
            self._to_close.append(their_input)
        self.stdout, their_output = self._output(stdout)
        self.stderr: BinaryIO | None = None
        their_errors = their_output
        if stderr != subprocess.STDOUT:
            self.stderr, their_errors = self._output(stderr)
        self._ended, ended = os.pipe()
        self._to_close.append(ended)
        preloaded.send(
            {"words": words, **program}, [their_input, their_output, their_errors, ended]
        )
        for descriptor in self._to_close:
            os.close(descriptor)
        self.pid = self._number()

    def _output(self, wanted: int) -> tuple[BinaryIO | None, int]:
        """The test's end, if it is a pipe, and the program's."""
        if wanted != subprocess.PIPE:
            return None, wanted
        out_of, theirs = os.pipe()
        self._to_close.append(theirs)
        return os.fdopen(out_of, "rb"), theirs

    def _number(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(self._ended, 1)
            assert byte, "tests/preloaded.py has ended"
            line += byte
        return int(line)

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            ready, _, _ = select.select([self._ended], [], [], timeout)
            if not ready:
                assert timeout is not None
                raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = self._number()
            os.close(self._ended)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """What the program still says on both outputs, which are read side by side, to its end."""
        streams = [stream or BytesIO() for stream in (self.stdout, self.stderr)]
        with ThreadPoolExecutor(2) as pool, streams[0], streams[1]:
            said = [pool.submit(stream.read) for stream in streams]
            try:
                self.wait(timeout)
            except BaseException:
                # The threads end with the outputs.
                self.kill()
                raise
            return said[0].result(), said[1].result()

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
