"""Nodes for the tests: the embedded host, and lightningd where there is one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.node.node import EmbeddedNode, Node, RealNode, found_lightningd


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a lightningd a single test is skipped for all that need one."""
    if found_lightningd() is None:
        without = [item for item in items if _needs_lightningd(item)]
        items[:] = [item for item in items if item not in without]
        config.hook.pytest_deselected(items=without)


def _needs_lightningd(item: pytest.Item) -> bool:
    is_here = Path(__file__).parent in item.path.parents
    if not is_here or not isinstance(item, pytest.Function):
        return False
    if item.name == "test_there_is_a_lightningd":
        return False
    is_real = hasattr(item, "callspec") and item.callspec.params.get("kind") == "real"
    return is_real or "lightningd" in item.fixturenames


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with nodes runs under both; `needs_node` says why one does not."""
    if "kind" in metafunc.fixturenames:
        is_real = metafunc.definition.get_closest_marker("needs_node") is not None
        metafunc.parametrize("kind", ["real"] if is_real else ["embedded", "real"])


@pytest.fixture(scope="session")
def lightningd() -> Path:
    """The program."""
    found = found_lightningd()
    if found is None:
        pytest.skip("needs a lightningd: on the PATH, or named by LIGHTNINGD")
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: the path of a unix socket must fit in 108 bytes. What a killed node leaves
    running may still write to it."""
    with tempfile.TemporaryDirectory(prefix="ln", dir="/tmp", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture
def new_node(
    kind: str, folder: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Node]]:
    """Makes nodes of a kind; they are killed at the end. Real ones share a chain."""
    nodes: list[Node] = []

    def make(name: str) -> Node:
        if kind == "real":
            lightningd = request.getfixturevalue("lightningd")
            nodes.append(RealNode(lightningd, folder / name, folder / "chain"))
        else:
            nodes.append(EmbeddedNode(folder / name))
        return nodes[-1]

    yield make
    for node in nodes:
        node.kill()


@pytest.fixture
def node(new_node: Callable[[str], Node]) -> Node:
    """One that has not been started."""
    return new_node("node")
