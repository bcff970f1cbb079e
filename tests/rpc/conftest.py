"""Fixtures of the client's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest

from clnwire.host import Host
from tests.rpc.forms import Awaitable, Blocking
from tests.rpc.node import Node, echo


class Client(Protocol):
    node: Node

    def call(self, act: Callable[[Any], Any]) -> Any: ...
    def together(self, acts: list[Callable[[Any], Any]]) -> list[Any]: ...


@pytest.fixture(params=[Blocking, Awaitable], ids=["blocking", "awaitable"])
def client(request: pytest.FixtureRequest) -> Iterator[Callable[..., Client]]:
    """Starts a node with these commands, and gives a client of it in one of the two forms."""
    started: list[Any] = []

    def start(register: Callable[[Host], object] = echo, **settings: Any) -> Any:
        node = Node(register).__enter__()
        client = request.param(node.rpc_path, **settings)
        client.node = node
        started.append(client)
        return client

    yield start
    for each in started:
        each.close()
        each.node.close()
