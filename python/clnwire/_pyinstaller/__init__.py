"""Tells PyInstaller where clnwire's hook is: modules that are imported late must be frozen, too."""

from __future__ import annotations

import os


def get_hook_dirs() -> list[str]:
    """The folder of `hook-clnwire.py`; PyInstaller's entry point `pyinstaller40` names this."""
    return [os.path.dirname(__file__)]  # noqa: PTH120
