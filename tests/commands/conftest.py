"""The daemon's schemas of its commands."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from clnwire.commands._command import Command

OTHER_NAMES = {"currencyrates": "listcurrencyrates"}
"""The schema of `listcurrencyrates` has another name in it than in its own title."""


@pytest.fixture(scope="session")
def schemas(shared: Path) -> dict[str, dict[str, Any]]:
    """Command → its schema."""
    texts = [json.loads(path.read_text()) for path in sorted((shared / "schemas/rpc").glob("*"))]
    return {OTHER_NAMES.get(schema["rpc"], schema["rpc"]): schema for schema in texts}


def command(method: str) -> Command:
    """What clnwire knows of a command."""
    found: Command = import_module(f"clnwire.commands.{method.replace('-', '_')}").COMMAND
    return found
