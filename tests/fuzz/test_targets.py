"""A few cases of each fuzz target; `python -m tests.fuzz` runs more."""

from __future__ import annotations

import importlib
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.__main__ import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_cases(name: str, tmp_path: Path) -> None:
    if name == "binder":
        pytest.importorskip("pyln.client", reason="needs the dependency group: bench")
    target = importlib.import_module(f"tests.fuzz.{name}").Target(tmp_path)
    for seed in range(5 if name == "host_socket" else 100):
        target.case(Random(seed))
