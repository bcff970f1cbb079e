"""`clnwire record` as lightningd runs it: a process with pipes, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.cli.terminal import started
from tests.forked import Forked

RECORD = [sys.executable, "-m", "clnwire", "record"]
ECHO = """
import contextlib, os
with contextlib.suppress(BrokenPipeError):  # the proxy has ended
    while data := os.read(0, 65536):
        while data:
            data = data[os.write(1, data):]
"""


def script(folder: Path, body: str, name: str = "plugin.py") -> Path:
    """An executable plugin."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return path


def message(number: int, **members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, **members}).encode() + b"\n\n"


def records(path: Path) -> list[dict[str, Any]]:
    """All of a capture that can be read: also of one whose writer was killed."""
    text = zlib.decompressobj(wbits=31).decompress(path.read_bytes())
    whole, _, _ = text.rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]


def frames(path: Path, direction: str) -> list[Any]:
    return [json.loads(one["frame"]) for one in records(path) if one["dir"] == direction]


class Recording:
    """The proxy under test; the test is the daemon."""

    def __init__(
        self,
        folder: Path,
        plugin: Path,
        *options: str | Path,
        prefix: Sequence[str] = (),
    ) -> None:
        self.path = folder / "capture.gz"
        words = ["-o", str(self.path), *map(str, options), "--", str(plugin)]
        self.process: subprocess.Popen[bytes] | Forked
        if prefix:
            self.process = subprocess.Popen(
                [*prefix, *RECORD, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        else:
            self.process = started("-m", "clnwire", "record", *words, stdin=subprocess.PIPE)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdin, self.stdout, self.stderr = (
            self.process.stdin,
            self.process.stdout,
            self.process.stderr,
        )

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            stream.close()

    def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.stdin.fileno(), rest) :]

    def receive(self, count: int) -> bytes:
        """So many bytes, or all up to the end."""
        found = bytearray()
        while len(found) < count and (data := os.read(self.stdout.fileno(), count - len(found))):
            found += data
        return bytes(found)

    def exchange(self, data: bytes, count: int) -> bytes:
        """Sends and receives at the same time."""
        sender = threading.Thread(target=self.send, args=(data,))
        sender.start()
        found = self.receive(count)
        sender.join()
        return found

    def ended(self) -> int:
        """Waits for the end; the return code."""
        return self.process.wait(timeout=60)

    def errors(self) -> str:
        """What it said on stderr but where it writes."""
        text = self.stderr.read().decode()
        assert "Traceback" not in text, text
        first, _, rest = text.partition("\n")
        assert first == f"clnwire record: writing {self.path}"
        return rest


def memory_kib(pid: int) -> int:
    """The most that a process has had in its memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise AssertionError("no VmHWM")


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
