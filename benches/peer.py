"""A plugin process driven from Python, for benchmarks that do not measure the daemon's side."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).parent / "peers"


class Peer:
    """A plugin of `peers/`, started and initialised; `place` is for its configuration."""

    def __init__(self, script: str, place: dict[str, str] | None = None) -> None:
        environment = {**os.environ, "LIGHTNINGD_PLUGIN": "1"}
        self.process = subprocess.Popen(
            [sys.executable, PEERS / script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input, self.output = self.process.stdin.fileno(), self.process.stdout.fileno()
        self.ask("getmanifest", {"allow-deprecated-apis": False})
        configuration = {"lightning-dir": "/tmp", "rpc-file": "r", "network": "regtest"}
        configuration |= place or {}
        more: dict[str, object] = {"startup": True, "feature_set": {}}
        self.ask("init", {"options": {}, "configuration": {**configuration, **more}})

    def ask(self, method: str, params: dict[str, object]) -> None:
        request = {"jsonrpc": "2.0", "id": f"cln:{method}#1", "method": method, "params": params}
        self.write(json.dumps(request).encode() + b"\n\n")
        assert "result" in self.message()

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.input, data) :]

    def message(self) -> dict[str, dict[str, str]]:
        """The plugin's next message."""
        line = b""
        while not line.endswith(b"\n\n"):
            ready, _, _ = select.select([self.output], [], [], 60)
            assert ready, "the plugin does not answer"
            line += os.read(self.output, 65536)
        return dict(json.loads(line))

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
