"""The daemon's directory, and what `init` and `getinfo` tell of the daemon."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from msgspec import json

from clnwire.host.process import VERSION

RPC_FILE: Final = "lightning-rpc"
FEATURES: Final = {
    "init": "08a0882a8a59a1",
    "node": "88a0882a8a59a1",
    "channel": "",
    "invoice": "02000002024100",
}
"""Plausible feature bits of BOLT 9, in hexadecimal; no plugin should depend on them."""
NODE_ID: Final = "02" + "c1" * 32


class Directory:
    """`<lightning-dir>/<network>`: the plugin's working directory, with the socket in it."""

    def __init__(self, given: str | Path | None, network: str) -> None:
        self._temporary = given is None
        self._given = given
        self.network = network
        self.root = Path()
        if given is not None:
            self.root = Path(given).absolute()

    def create(self) -> None:
        """Makes it, with access for its owner only."""
        if self._given is None:
            self.root = Path(tempfile.mkdtemp(prefix="clnwire-"))
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove(self) -> None:
        """Removes it, unless it was there for others."""
        if self._temporary:
            shutil.rmtree(self.root, ignore_errors=True)

    @property
    def path(self) -> Path:
        """The network's own directory."""
        return self.root / self.network

    @property
    def rpc_path(self) -> Path:
        """The socket."""
        return self.path / RPC_FILE

    def configuration(self, *, startup: bool) -> bytes:
        """The member `configuration` of `init`, as text."""
        return json.encode(
            {
                "lightning-dir": str(self.path),
                "rpc-file": RPC_FILE,
                "startup": startup,
                "network": self.network,
                "feature_set": FEATURES,
            }
        )

    def info(self) -> dict[str, object]:
        """The result of `getinfo`."""
        return {
            "id": NODE_ID,
            "alias": "clnwire",
            "color": NODE_ID[:6],
            "num_peers": 0,
            "num_pending_channels": 0,
            "num_active_channels": 0,
            "num_inactive_channels": 0,
            "address": [],
            "binding": [],
            "version": VERSION,
            "blockheight": 100,
            "network": self.network,
            "fees_collected_msat": 0,
            "lightning-dir": str(self.path),
            "our_features": FEATURES,
        }
