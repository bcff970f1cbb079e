"""Describes the machine of a bench."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from clnwire.bench.results import Machine


def machine() -> Machine:
    """This machine, with its current load."""
    return Machine(cpu_name(), system_name(), os.cpu_count() or 1, round(os.getloadavg()[0], 1))


def cpu_name() -> str:
    """The processor's model, as far as the kernel tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or "unknown"


def system_name() -> str:
    """The kernel with its release, and the architecture."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"
