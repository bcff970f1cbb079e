"""A daemon's socket for clients, with the commands of a test."""

from __future__ import annotations

from collections.abc import Callable

from clnwire.host import Host
from clnwire.testing import BlockingHost


class Node(BlockingHost):
    """A host without plugins, which serves its socket until the test ends."""

    def __init__(self, register: Callable[[Host], object]) -> None:
        super().__init__()
        self._register = register

    def __enter__(self) -> Node:
        super().__enter__()
        self._register(self.host)
        self.serve()
        return self


GETINFO = {
    "id": "02" + "ab" * 32,
    "alias": "SILENTARTIST",
    "color": "02abab",
    "num_peers": 1,
    "num_pending_channels": 0,
    "num_active_channels": 2,
    "num_inactive_channels": 0,
    "version": "v26.06",
    "lightning-dir": "/tmp/x",
    "blockheight": 110,
    "network": "regtest",
    "fees_collected_msat": 18446744073709551615,
    "address": [],
    "binding": [],
    "a-member-of-tomorrow": {"x": 1},
}


def echo(host: Host) -> None:
    """The commands of most tests."""
    host.command("getinfo")(GETINFO)
    host.command("echo")(lambda params: params)
