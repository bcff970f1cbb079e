"""The embedded host sends a plugin what lightningd does, byte for byte but for `differences.py`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from clnwire._wire.dialect import FOLLOWED
from tests.node.differences import outlived, without
from tests.node.node import EmbeddedNode, RealNode
from tests.node.scenario import play, recorded

pytestmark = pytest.mark.process


@pytest.fixture
def embedded(folder: Path) -> Iterator[EmbeddedNode]:
    node = EmbeddedNode(folder / "embedded")
    yield node
    node.kill()


@pytest.mark.promise(
    "a plugin is tested under the embedded host",
    "under lightningd it is sent the same bytes, but for a list of differences",
)
def test_the_host_sends_what_lightningd_was_recorded_to_send(embedded: EmbeddedNode) -> None:
    assert without(play(embedded), are_real=False) == recorded()


@pytest.mark.promise("a plugin is tested under the embedded host")
def test_the_host_sends_what_lightningd_sends(
    embedded: EmbeddedNode, lightningd: Path, folder: Path
) -> None:
    command = [lightningd, "--version"]
    version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not version.startswith(FOLLOWED):
        pytest.skip(f"needs a lightningd: {FOLLOWED}, and not {version}")
    node = RealNode(lightningd, folder / "real", folder / "chain")
    try:
        theirs = play(node)
    finally:
        node.kill()
    ours = play(embedded)
    assert without(ours, are_real=False) == without(theirs, are_real=True) == recorded()
    assert outlived(theirs, ours) == []
