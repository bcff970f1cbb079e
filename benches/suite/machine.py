"""The machine of a measurement, and the versions of its software."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from clnwire.bench.results import cpu_name, system_name

from .results import Machine


def version(package: str) -> str:
    """A Python package's version; an empty text if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def machine() -> Machine:
    """This machine, today."""
    return Machine(
        cpu=cpu_name(),
        system=system_name(),
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        rust=_said("rustc", "--version").removeprefix("rustc ").split(" ")[0],
        date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        commit=_commit(),
    )


def _commit() -> str:
    changed = "+" if _said("git", "status", "--porcelain", "--untracked-files=no") else ""
    return _said("git", "rev-parse", "--short", "HEAD") + changed


def _said(*command: str) -> str:
    """A command's output; an empty text if it cannot be run."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
