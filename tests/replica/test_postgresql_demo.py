"""`clnwire demo` with the replica in PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.replica.postgres import Server

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

pytestmark = pytest.mark.process


def test_it_restores_what_the_node_has(server: Server) -> None:
    command = [sys.executable, "-m", "clnwire", "demo", "--writes=60", "--json"]
    done = subprocess.run(
        [*command, f"--engine={server.url}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "same"
