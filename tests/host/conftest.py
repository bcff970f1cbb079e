"""Fixtures of the host's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.raw import MakePlugin, write_plugin


@pytest.fixture
def make(tmp_path: Path) -> MakePlugin:
    """Writes a plugin from the body of a raw one."""

    def write(body: str = "", name: str = "plugin.py", mode: int = 0o755) -> Path:
        return write_plugin(tmp_path, body, name, mode)

    return write
