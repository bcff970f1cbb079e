"""The daemon's directory, and what `init` and `getinfo` report about the daemon."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from msgspec import json

from clnwire.host.errors import HostError
from clnwire.host.rules.dialect import VERSION, HostDialect
from clnwire.host.rules.manifest import FEATURE_PLACES

LOCK_FILE: Final = "clnwire.lock"
"""Holds the id of the process that runs a host in the directory."""
RPC_FILE: Final = "lightning-rpc"
FEATURES: Final = {
    "init": "800898880a8a59a1",
    "node": "808898880a8a59a1",
    "channel": "",
    "invoice": "02000002024100",
    "bolt12_offer": "",
    "bolt12_invreq": "",
    "bolt12_invoice": "020000",
    "channel_type": "08800000800000",
}
"""Plausible BOLT 9 feature bits in hexadecimal. Plugins must not depend on these values."""
NODE_ID: Final = "02" + "c1" * 32


def _refuse_others(folder: Path) -> None:
    """Raises `HostError` if another user could replace the socket in this folder."""
    status = folder.stat()
    if status.st_uid not in (0, os.geteuid()):
        raise HostError(f"{folder} belongs to another user; choose another lightning_dir")
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise HostError(f"{folder} can be written by everybody; run: chmod o-w {folder}")


class Directory:
    """`<lightning-dir>/<network>`: the plugins' working directory, which contains the socket."""

    def __init__(
        self,
        given: str | Path | None,
        network: str,
        features: Mapping[str, str],
        *,
        has_network_folder: bool = True,
    ) -> None:
        self._folder = network if has_network_folder else ""
        self._is_temporary = given is None
        self._made: Path | None = None
        """The temporary directory, while it exists."""
        self._lock: IO[bytes] | None = None
        self.features, self.network = features, network
        self.root = Path() if given is None else Path(given).absolute()

    def create(self) -> None:
        """Creates the directory, if it does not exist, with mode 0700, and locks it.

        Raises `HostError` if that fails, if another user can write there, or if another host has
        locked the directory.
        """
        if self._is_temporary:
            self.root = self._made = Path(tempfile.mkdtemp(prefix="clnwire-"))
        try:
            str(self.path).encode()
        except UnicodeEncodeError:
            # The plugins get the path as JSON, which must be UTF-8.
            raise HostError(f"must be UTF-8: {self.path}; choose another lightning_dir") from None
        try:
            # `parents=True` ignores `mode` for the parents, so create root and path separately.
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HostError(f"cannot make {self.path}: {error.strerror}") from None
        for folder in (self.root, self.path):
            _refuse_others(folder)
        self._lock = _locked(self.path / LOCK_FILE)

    def remove(self) -> None:
        """Releases the lock. Removes the directory if it is a temporary one."""
        if self._lock is not None:
            (self.path / LOCK_FILE).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)
            self._made = None

    @property
    def path(self) -> Path:
        """The network's directory; the root in the dialect of 2019."""
        return self.root / self._folder

    @property
    def rpc_path(self) -> Path:
        """The socket's path."""
        return self.path / RPC_FILE

    def configuration(
        self, dialect: HostDialect, features: Mapping[str, str], *, startup: bool
    ) -> bytes:
        """The JSON text of the member `configuration` of `init`."""
        place = {"lightning-dir": str(self.path), "rpc-file": RPC_FILE}
        if not dialect.has_network_folder:
            return json.encode(place)
        node = {"startup": startup, "network": self.network, "feature_set": features}
        return json.encode(place | node)

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


def _locked(path: Path) -> IO[bytes]:
    """Opens and locks the file that allows only one host in a directory.

    The lock is held until the file is closed or the process ends. Raises `HostError` if another
    host holds the lock or the file cannot be opened.
    """
    file = _opened(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read(20).decode("ascii", "replace").strip() or "unknown"
        file.close()
        raise HostError(f"another host runs in {path.parent} (process {pid})") from None
    try:
        is_still_there = os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        is_still_there = False
    if not is_still_there:
        # Another host removed the file after we opened it, so our lock excludes nobody. Retry.
        file.close()
        return _locked(path)
    file.truncate(0)
    file.write(b"%d\n" % os.getpid())
    file.flush()
    return file


def _opened(path: Path) -> IO[bytes]:
    """Opens the file without truncating it.

    Refuses symbolic links, whose target would be overwritten, and anything but a regular file;
    `O_NONBLOCK` keeps a named pipe from blocking.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise HostError(f"{path} is a symbolic link; remove it") from None
        raise HostError(f"cannot open {path}: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise HostError(f"{path} is not a regular file; remove it")
    return os.fdopen(descriptor, "a+b")
