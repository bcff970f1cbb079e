"""PyInstaller finds clnwire's hook, which names the modules that are imported late."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import walk_packages
from runpy import run_path

import pytest

import clnwire


def collect(package: str, filter: Callable[[str], bool]) -> list[str]:  # noqa: A002 - PyInstaller's
    found = walk_packages(clnwire.__path__, f"{package}.", onerror=lambda _: None)
    return [each.name for each in found if filter(each.name)]


def test_the_hook_names_what_is_imported_late(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = entry_points(group="pyinstaller40", name="hook-dirs")
    (entry,) = (entry for entry in entries if entry.value.startswith("clnwire."))
    (folder,) = entry.load()()
    hooks = types.ModuleType("PyInstaller.utils.hooks")
    monkeypatch.setattr(hooks, "collect_submodules", collect, raising=False)
    monkeypatch.setitem(sys.modules, "PyInstaller.utils.hooks", hooks)
    names = run_path(str(Path(folder) / "hook-clnwire.py"))["hiddenimports"]
    assert {
        "clnwire.hooks.db_write",
        "clnwire.commands.getinfo",
        "clnwire._runtime.event_loop",
    } <= {*names}
    assert not [name for name in names if name.startswith("clnwire.cli")]
