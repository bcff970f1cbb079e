"""What the tests run plugins under: a real lightningd on regtest, or the embedded host."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from tests.cli.terminal import started
from tests.examples.conftest import EXAMPLES
from tests.forked import Forked

T = TypeVar("T")
PATIENCE = 60
"""Seconds until a node that does not do what it should has failed the test."""


def script(path: Path, source: str) -> Path:
    """A plugin that this very Python runs."""
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(0o755)
    return path


def until(found: Callable[[], T]) -> T:
    """What the function gives, as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return value


class Node(ABC):
    """A daemon in a folder; `start` and `stop` it as often as wanted."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.socket = folder / "regtest" / "lightning-rpc"
        self.process: subprocess.Popen[bytes] | Forked | None = None

    def start(
        self, *options: str, plugins: tuple[Path, ...] = (), important: tuple[Path, ...] = ()
    ) -> None:
        """Starts the node, and waits until it serves. `important`: it ends with one of these."""
        words = [
            "--network=regtest",
            f"--lightning-dir={self.folder}",
            f"--log-file={self.folder / 'log'}",
            "--log-level=debug",
            *(f"--plugin={plugin}" for plugin in plugins),
            *(f"--important-plugin={plugin}" for plugin in important),
            *options,
        ]
        with (self.folder / "stderr").open("ab") as stderr:
            self.process = self._launch(words, stderr.fileno())
        until(self._serves)

    @abstractmethod
    def _launch(self, words: list[str], stderr: int) -> subprocess.Popen[bytes] | Forked: ...

    @abstractmethod
    def invoice(self, label: bytes) -> None:
        """Has it announce an invoice with a label, which is JSON or not."""

    @abstractmethod
    def write(self) -> None:
        """Has it write to its database."""

    @property
    @abstractmethod
    def committed(self) -> int:
        """The version of its database."""

    def _serves(self) -> bool:
        assert self.is_alive, self.log
        try:
            return "result" in self.answer("getinfo")
        except OSError:
            return False

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> str:
        """Its log, and what it and its plugins wrote to stderr."""
        texts = [(self.folder / name) for name in ("log", "stderr")]
        return "".join(text.read_text(errors="replace") for text in texts if text.exists())

    def raw(self, text: bytes) -> bytes:
        """Sends bytes to its socket; gives all up to the blank line, or to the end."""
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(PATIENCE)
            caller.connect(str(self.socket))
            caller.sendall(text)
            got = b""
            while not got.endswith(b"\n\n") and (more := caller.recv(1 << 16)):
                got += more
        return got

    def call_with(self, method: str, params: bytes, token: bytes = b'"test"') -> dict[str, Any]:
        """Calls with params and an id as they are, JSON or not; gives the whole reply."""
        request = b'{"jsonrpc":"2.0","id":%b,"method":"%b","params":%b}'
        reply = self.raw(request % (token, method.encode(), params))
        if not reply.endswith(b"\n\n"):
            raise ConnectionError(f"{method}: it hung up after {reply!r}\n{self.log[-5000:]}")
        # An id that is no JSON comes back as it is.
        found: dict[str, Any] = json.loads(reply, strict=False)
        return found

    def answer(self, method: str, params: object = None) -> dict[str, Any]:
        """The whole reply to a call."""
        return self.call_with(method, json.dumps({} if params is None else params).encode())

    def call(self, method: str, params: object = None) -> Any:
        """The result of a call."""
        reply = self.answer(method, params)
        assert "result" in reply, reply
        return reply["result"]

    def stop(self) -> int:
        """Stops it calmly; gives its exit status."""
        assert self.process is not None
        self.answer("stop")
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Kills it, as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()


class RealNode(Node):
    """A lightningd, whose Bitcoin backend is `examples/regtest_backend.py`."""

    def __init__(self, lightningd: Path, folder: Path, chain: Path) -> None:
        super().__init__(folder)
        self._lightningd, self._chain = lightningd, chain
        backend = str(EXAMPLES / "regtest_backend.py")
        source = f"import runpy\n\nrunpy.run_path({backend!r}, run_name='__main__')\n"
        self._backend = script(folder / "backend.py", source)
        self.is_for_developers = True

    def _launch(self, words: list[str], stderr: int) -> subprocess.Popen[bytes]:
        developer = ("--developer", "--dev-fast-gossip", "--dev-bitcoind-poll=1")
        command = [
            self._lightningd,
            f"--bind-addr=127.0.0.1:{_free_port()}",
            "--disable-plugin=bcli",
            f"--plugin={self._backend}",
            f"--regtest-chain={self._chain}",
            *(developer if self.is_for_developers else ()),
            *words,
        ]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr
        )

    def invoice(self, label: bytes) -> None:
        params = b'{"amount_msat":1000,"label":%b,"description":"d"}' % label
        self.call_with("invoice", params)

    def write(self) -> None:
        self.call("datastore", {"key": ["w", str(time.time_ns())], "string": "x" * 100})

    @property
    def committed(self) -> int:
        # Opening the database rolls back what a kill has interrupted.
        with closing(sqlite3.connect(self.folder / "regtest" / "lightningd.sqlite3")) as database:
            query = "SELECT intval FROM vars WHERE name = 'data_version'"
            (version,) = database.execute(query).fetchone()
        return int(version)


class EmbeddedNode(Node):
    """`clnwire run`: the embedded host, with a node with nothing in it behind it."""

    def _launch(self, words: list[str], stderr: int) -> subprocess.Popen[bytes] | Forked:
        return started("-m", "clnwire", "run", *words, cwd=self.folder, stderr=stderr)

    def invoice(self, label: bytes) -> None:
        payload = b'{"msat":1000,"preimage":"%b","label":%b}' % (b"00" * 32, label)
        self.call_with("clnwire-fire", b'{"topic":"invoice_creation","payload":%b}' % payload)

    def write(self) -> None:
        self.call("clnwire-hook", {"hook": "db_write"})

    @property
    def committed(self) -> int:
        return int((self.folder / "regtest" / "clnwire.data_version").read_text())


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def found_lightningd() -> Path | None:
    """`LIGHTNINGD`, or the one on the path."""
    named = os.environ.get("LIGHTNINGD") or shutil.which("lightningd")
    return None if named is None else Path(named)
