"""Nodes for the tests, where there is a lightningd to run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.node.node import Node, found_lightningd


@pytest.fixture(scope="session")
def lightningd() -> Path:
    """The program."""
    found = found_lightningd()
    if found is None:
        pytest.skip("needs a lightningd: on the PATH, or named by LIGHTNINGD")
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: the path of a unix socket must fit in 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="ln", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def new_node(lightningd: Path, folder: Path) -> Iterator[Callable[[str], Node]]:
    """Makes nodes that share a chain; they are killed at the end."""
    nodes: list[Node] = []

    def make(name: str) -> Node:
        nodes.append(Node(lightningd, folder / name, folder / "chain"))
        return nodes[-1]

    yield make
    for node in nodes:
        node.kill()


@pytest.fixture
def node(new_node: Callable[[str], Node]) -> Node:
    """One that has not been started."""
    return new_node("node")
