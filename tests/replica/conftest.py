"""Servers for the tests of the replica."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Once

if TYPE_CHECKING:
    from tests.replica.postgres import Pair, Proxy, Server
    from tests.replica.s3 import Store, StoreProxy

_numbers = count(1)


@pytest.fixture(scope="session")
def cluster(once: Once) -> Path:
    """An empty cluster, made once for all workers; skips without a server."""
    if importlib.util.find_spec("psycopg") is None or importlib.util.find_spec("psutil") is None:
        pytest.skip("needs the extra: replica")
    from tests.replica.postgres import make_cluster, skip_without_server

    skip_without_server()
    return once("postgresql", make_cluster)


@pytest.fixture(scope="session")
def server(cluster: Path) -> Iterator[Server]:
    """A server that runs, and that tests leave as it was."""
    from tests.replica.postgres import Server

    server = Server(cluster).start()
    yield server
    server.remove()


@pytest.fixture
def own_server(cluster: Path) -> Iterator[Server]:
    """A server for one test, not started."""
    from tests.replica.postgres import Server

    server = Server(cluster)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def running_pair(cluster: Path) -> Iterator[Pair]:
    from tests.replica.postgres import Pair

    pair = Pair(cluster)
    yield pair
    pair.remove()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A way to the server that can fail."""
    from tests.replica.postgres import Proxy

    proxy = Proxy(server.host, server.port)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """An S3-compatible store that runs, and whose nodes tests do not share."""
    if any(importlib.util.find_spec(each) is None for each in ("obstore", "moto", "psycopg")):
        pytest.skip("needs the extra: replica")
    from tests.replica.s3 import Store

    store = Store()
    yield store
    store.remove()


@pytest.fixture
def store_proxy(store: Store) -> Iterator[StoreProxy]:
    """A way to the store that can fail."""
    from tests.replica.s3 import StoreProxy

    proxy = StoreProxy("127.0.0.1", store.port)
    yield proxy
    proxy.close()


@pytest.fixture
def node() -> str:
    """A node's name that no other test of this worker has."""
    return f"node-{next(_numbers)}"
