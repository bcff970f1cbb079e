"""What tests of all layers need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the protocol's captures and schemas, beside the checkout; skips without it.

    The environment variable CLNWIRE_SHARED names another place.
    """
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("CLNWIRE_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"needs the shared captures and schemas, which are not at {folder}")
    return folder
