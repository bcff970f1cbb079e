"""A daemon for tests: a real plugin process at the other end of real pipes, and raw bytes."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.forked import Forked, Preloaded

PATIENCE = 20.0
"""Seconds until a test gives up waiting: far longer than anything should take."""

CONFIGURATION = {
    "lightning-dir": "/tmp",
    "rpc-file": "lightning-rpc",
    "startup": True,
    "network": "regtest",
    "feature_set": {"init": "80", "node": "80", "channel": "", "invoice": "02"},
}


# `clnwire` imports its parts when they are asked for. What runs at a fork (`clnwire.rpc`) must not
# be among them.
_PRELOADED = Preloaded(
    "asyncio",
    "clnwire._runtime.init",
    "clnwire._runtime.logging_handler",
    "clnwire._wire.facts",
    "clnwire.plugin",
    *(f"clnwire.hooks.{name}" for name in ("custommsg", "db_write", "peer_connected", "recover")),
    *(f"clnwire.notifications.{name}" for name in ("block_added", "connect", "shutdown")),
)
_COVERAGE = "COVERAGE_PROCESS_CONFIG" in os.environ

VERSIONS = {"current": "v26.06", "2020": "v0.10.0", "2019": None}
"""What a daemon of each dialect puts into a plugin's environment."""


def _environment(dialect: str) -> dict[str, str]:
    version = VERSIONS[dialect]
    own = {"LIGHTNINGD_PLUGIN": "1"} | ({} if version is None else {"LIGHTNINGD_VERSION": version})
    others = {name: value for name, value in os.environ.items() if name != "LIGHTNINGD_VERSION"}
    return others | own


class Daemon:
    """Speaks to one plugin as lightningd does, byte by byte under the test's control."""

    def __init__(
        self,
        plugin: Path,
        *,
        dialect: str = "current",
        stderr: int | None = None,
        is_forked: bool = False,
    ) -> None:
        """`is_forked`: from a process that has imported clnwire. That is quick, and a test whose
        subject is the process itself does without."""
        self.dialect = dialect
        stderr = subprocess.PIPE if stderr is None else stderr
        self.process: subprocess.Popen[bytes] | Forked
        if is_forked:
            self.process = _PRELOADED.start(
                [plugin],
                cwd=plugin.parent,
                env=_environment(dialect),
                stdin=subprocess.PIPE,
                stderr=stderr,
            )
        else:
            self.process = subprocess.Popen(
                [sys.executable, str(plugin)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=_environment(dialect),
                cwd=plugin.parent,
            )
        self.logs: list[dict[str, str]] = []
        self.notifications: list[dict[str, Any]] = []
        self._unread = bytearray()
        self._searched = 0
        self._calls = 0

    # Bytes

    def write(self, raw: bytes | str) -> None:
        """Sends bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(raw.encode() if isinstance(raw, str) else raw)
        self.process.stdin.flush()

    def receive(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next message; raises `EOFError` at the end, `TimeoutError` if none comes."""
        deadline = time.monotonic() + patience
        while True:
            message = self._decode()
            if message is not None:
                return message
            self._read(deadline)

    def _decode(self) -> dict[str, Any] | None:
        if self._unread.find(b"\n\n", self._searched) < 0:
            self._searched = max(0, len(self._unread) - 1)
            return None
        self._searched = 0
        text = self._unread.decode(errors="replace")
        try:
            message, end = json.JSONDecoder().raw_decode(text.lstrip())
        except json.JSONDecodeError:
            return None
        end += len(text) - len(text.lstrip())
        assert text[end : end + 2] == "\n\n", "a message ends with a blank line"
        del self._unread[: len(text[: end + 2].encode())]
        assert message["jsonrpc"] == "2.0"
        return message

    def _read(self, deadline: float) -> None:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], deadline - time.monotonic())
        if not ready:
            raise TimeoutError(f"no message came; unread: {self._unread!r}")
        data = os.read(self.process.stdout.fileno(), 1 << 20)
        if not data:
            raise EOFError(f"the plugin is gone; unread: {self._unread!r}")
        self._unread += data

    # Messages

    def reply(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next reply; what comes before it is kept in `logs` and `notifications`."""
        while True:
            message = self.receive(patience)
            if "method" not in message:
                return message
            if message["method"] == "log":
                self.logs.append(message["params"])
            else:
                self.notifications.append(message)

    def request(
        self, method: str, params: Any = None, *, token: str | None = None
    ) -> dict[str, Any]:
        """Calls a method and gives the whole reply, after checking its id."""
        self._calls += 1
        current = f'"cln:{method}#{self._calls}"'
        token = token or (current if self.dialect == "current" else str(self._calls))
        tail = "" if params is None else f',"params":{json.dumps(params)}'
        self.write(f'{{"jsonrpc":"2.0","id":{token},"method":"{method}"{tail}}}\n\n')
        reply = self.reply()
        assert reply["id"] == json.loads(token)
        return reply

    def call(self, method: str, params: Any = None) -> Any:
        """Calls a method and gives its result."""
        reply = self.request(method, params)
        assert "error" not in reply, reply
        return reply["result"]

    def notify(self, topic: str, payload: Any) -> None:
        """Sends a native notification."""
        params = {topic: payload} if self.dialect == "current" else payload
        self.write(json.dumps({"jsonrpc": "2.0", "method": topic, "params": params}) + "\n\n")

    def starting(
        self, options: dict[str, Any] | None = None, **configuration: Any
    ) -> dict[str, dict[str, Any] | None]:
        """The requests of a start: method → params."""
        flags = {"allow-deprecated-apis": False} if self.dialect == "current" else None
        init = {"options": options or {}, "configuration": {**CONFIGURATION, **configuration}}
        return {"getmanifest": flags, "init": init}

    def getmanifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = self.call("getmanifest", self.starting()["getmanifest"])
        return manifest

    def init(self, options: dict[str, Any] | None = None, **configuration: Any) -> Any:
        return self.call("init", self.starting(options, **configuration)["init"])

    def start(self, options: dict[str, Any] | None = None, **configuration: Any) -> dict[str, Any]:
        """getmanifest and init; gives the manifest."""
        manifest = self.getmanifest()
        self.init(options, **configuration)
        return manifest

    # The end

    def log_text(self) -> str:
        """All log lines so far, with their levels."""
        return "\n".join(f"{line.get('level', 'info')} {line['message']}" for line in self.logs)

    def drain(self) -> None:
        """Reads until the plugin closes its end."""
        try:
            while True:
                message = self.receive()
                if message.get("method") == "log":
                    self.logs.append(message["params"])
                else:
                    self.notifications.append(message)
        except EOFError:
            pass

    def hang_up(self) -> int:
        """Closes the plugin's stdin, reads all that still comes, and gives the exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.drain()
        return self.process.wait(PATIENCE)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def errors(self) -> str:
        """What the plugin wrote to stderr; call it after the end."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def close(self) -> None:
        if self.process.poll() is None and _COVERAGE and self.process.stdin is not None:
            # A killed plugin could not say which lines it has run.
            with contextlib.suppress(subprocess.TimeoutExpired, BrokenPipeError):
                self.process.stdin.close()
                self.process.wait(1)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
