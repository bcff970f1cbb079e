"""A journal stands in for a PostgreSQL server that is away, and gives it the sets later."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from clnwire.replica.engines.local import make_directory
from tests.replica.nodes import SCHEMA, add
from tests.replica.postgres import Server
from tests.replica.test_keeper import MiniNode

pytestmark = pytest.mark.process


class ServedNode(MiniNode):
    """A node whose engine is a server."""

    def __init__(self, folder: Path, server: Server, name: str) -> None:
        super().__init__(folder, folder)
        make_directory(folder.with_name("journal"))
        self.more = {
            "engine": server.url,
            "node": name,
            "when-down": "journal",
            "journal": str(folder.with_name("journal")),
            "patience": 1,
            "lease-seconds": 3,
        }


@pytest.fixture
def served(own_server: Server, node: str, tmp_path: Path) -> ServedNode:
    own_server.start()
    return ServedNode(tmp_path / "node", own_server, node)


def stand_in(served: ServedNode, own_server: Server) -> None:
    """The server is killed, and the node goes on."""
    served.commit(*SCHEMA, add(1))
    own_server.kill()
    for coin in range(2, 6):
        served.commit(add(coin))
    assert served.keeper is not None
    assert "stands in" in served.keeper.status.degraded


def test_the_server_comes_back(served: ServedNode, own_server: Server) -> None:
    stand_in(served, own_server)
    # Longer than the lease, which nobody renews meanwhile.
    time.sleep(4)
    served.commit(add(6))
    own_server.start()
    deadline, coin = time.monotonic() + 60, 7
    assert served.keeper is not None
    while served.keeper.status.degraded:
        assert time.monotonic() < deadline, served.logged
        served.commit(add(coin))
        coin += 1
        time.sleep(0.1)
    served.commit(add(coin))
    assert list(served.folder.with_name("journal").iterdir()) == []
    served.assert_same()


def test_the_node_ends_before(served: ServedNode, own_server: Server) -> None:
    stand_in(served, own_server)
    served.lose(add(6))
    own_server.start()
    served.commit(add(7))
    assert any("what the journal has stood in for" in text for text in served.logged)
    assert not any("lacks" in text for text in served.logged)
    served.assert_same()
    assert list(served.folder.with_name("journal").iterdir()) == []
