"""The daemon's directory, and what `init` and `getinfo` tell of the daemon."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from msgspec import json

from clnwire.host.errors import HostError
from clnwire.host.lock import locked
from clnwire.host.rules.dialect import VERSION
from clnwire.host.rules.manifest import FEATURE_PLACES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clnwire.host.rules.dialect import HostDialect

LOCK_FILE: Final = "clnwire.lock"
"""Says which process runs a host there."""
RPC_FILE: Final = "lightning-rpc"
FEATURES: Final = {
    "init": "08a0882a8a59a1",
    "node": "88a0882a8a59a1",
    "channel": "",
    "invoice": "02000002024100",
    "bolt12_offer": "",
    "bolt12_invreq": "",
    "bolt12_invoice": "020000",
    "channel_type": "08800000800000",
}
"""Plausible feature bits of BOLT 9, in hexadecimal; no plugin should depend on them."""
NODE_ID: Final = "02" + "c1" * 32


def _refuse_others(folder: Path) -> None:
    """Who can write where the socket is can put one of their own there. Raises `HostError`."""
    status = folder.stat()
    if status.st_uid not in (0, os.geteuid()):
        raise HostError(f"{folder} belongs to another user; choose another lightning_dir")
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise HostError(f"{folder} can be written by everybody; run: chmod o-w {folder}")


class Directory:
    """`<lightning-dir>/<network>`: the plugin's working directory, with the socket in it."""

    def __init__(
        self,
        given: str | Path | None,
        network: str,
        features: Mapping[str, str],
        *,
        has_network_folder: bool = True,
    ) -> None:
        self._folder = network if has_network_folder else ""
        self._temporary = given is None
        self._lock: IO[bytes] | None = None
        self.features = features
        self._given = given
        self.network = network
        self.root = Path()
        if given is not None:
            self.root = Path(given).absolute()

    def create(self) -> None:
        """Makes it, with access for its owner only. Raises `HostError` if another host has it."""
        if self._given is None:
            self.root = Path(tempfile.mkdtemp(prefix="clnwire-"))
        try:
            str(self.path).encode()
        except UnicodeEncodeError:
            # JSON could not carry it to the plugins.
            raise HostError(f"must be UTF-8: {self.path}; choose another lightning_dir") from None
        try:
            # `parents=True` would make the upper one with the usual mode.
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HostError(f"cannot make {self.path}: {error.strerror}") from None
        for folder in (self.root, self.path):
            _refuse_others(folder)
        self._lock = locked(self.path / LOCK_FILE)

    def remove(self) -> None:
        """Lets it go, and removes it unless it was there for others."""
        if self._lock is not None:
            (self.path / LOCK_FILE).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
        if self._temporary:
            shutil.rmtree(self.root, ignore_errors=True)

    @property
    def path(self) -> Path:
        """The network's own directory; in 2019 that of all of them."""
        return self.root / self._folder

    @property
    def rpc_path(self) -> Path:
        """The socket."""
        return self.path / RPC_FILE

    def configuration(
        self, dialect: HostDialect, features: Mapping[str, str], *, startup: bool
    ) -> bytes:
        """The member `configuration` of `init`, as text."""
        if not dialect.has_network_folder:
            return json.encode({"lightning-dir": str(self.path), "rpc-file": RPC_FILE})
        return json.encode(
            {
                "lightning-dir": str(self.path),
                "rpc-file": RPC_FILE,
                "startup": startup,
                "network": self.network,
                "feature_set": features,
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
            "our_features": {place: self.features.get(place, "") for place in FEATURE_PLACES},
        }
