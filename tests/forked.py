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
from pathlib import Path
from typing import BinaryIO


class Preloaded:
    """A process that has imported these modules, and is started with the first program."""

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._busy = threading.Lock()
        self._control: socket.socket | None = None

    def start(
        self, words: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: int, stderr: int
    ) -> Forked:
        """Starts a program; `stdin` and `stderr` as for `Popen`."""
        return Forked(self, list(words), {"cwd": str(cwd), "environment": dict(env)}, stdin, stderr)

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
        stderr: int,
    ) -> None:
        self.args = [sys.executable, *words]
        self.returncode: int | None = None
        self.stdin: BinaryIO | None = None
        self.stderr: BinaryIO | None = None
        their_input, their_errors = stdin, stderr
        to_close: list[int] = []
        if stdin == subprocess.PIPE:
            their_input, into = os.pipe()
            self.stdin = os.fdopen(into, "wb")
            to_close.append(their_input)
        elif stdin == subprocess.DEVNULL:
            their_input = os.open(os.devnull, os.O_RDONLY)
            to_close.append(their_input)
        if stderr == subprocess.PIPE:
            out_of, their_errors = os.pipe()
            self.stderr = os.fdopen(out_of, "rb")
            to_close.append(their_errors)
        output, their_output = os.pipe()
        self.stdout: BinaryIO | None = os.fdopen(output, "rb")
        self._ended, ended = os.pipe()
        to_close += [their_output, ended]
        preloaded.send(
            {"words": words, **program}, [their_input, their_output, their_errors, ended]
        )
        for descriptor in to_close:
            os.close(descriptor)
        self.pid = self._number()

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
        assert self.stdout is not None
        assert self.stderr is not None
        with ThreadPoolExecutor(2) as pool, self.stdout, self.stderr:
            said = [pool.submit(stream.read) for stream in (self.stdout, self.stderr)]
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

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
