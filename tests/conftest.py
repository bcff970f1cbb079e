"""What tests of all layers need."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.promises import (
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
)
from tests.skips import pytest_make_collect_report, pytest_runtest_makereport

try:
    import hypothesis
except ImportError:
    # The wheels' tests have it; a fixture alone does not need it.
    pass
else:
    # A busy machine is slow, and that is not a failure.
    slow = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]
    hypothesis.settings.register_profile("clnwire", deadline=None, suppress_health_check=slow)
    hypothesis.settings.load_profile("clnwire")

# A shell and `nohup` let what runs in the background ignore these, and plugins that tests send them
# to would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# As in an active virtual environment: `#!/usr/bin/env python3` finds the Python of the tests.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))

# The tests start plugins by the thousand, each of which would compile all of clnwire for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Since Python 3.12, a process that has threads, as each plugin has, warns of its forks. The warning
# is a line of the log, which tests of forks compare.
if sys.version_info >= (3, 12):
    os.environ["PYTHONWARNINGS"] = "ignore:This process:DeprecationWarning"

__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
]

WORKERS_PER_CORE = 2.5
"""More than one: many tests wait for a process or a time-out most of the time. With two, a core
rests for an eighth of the time."""

Once: TypeAlias = Callable[[str, Callable[[Path], object]], Path]
"""Gives the folder of this name, after it has been filled by the first test that asks for it."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many `-n auto` means."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return int(cores * WORKERS_PER_CORE)


def pytest_collection_finish() -> None:
    """The collector need not go through thousands of tests again and again."""
    gc.freeze()


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """What takes long to make is made once, not once in each of xdist's workers."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        done, part = place / name, place / f"{name}.part"
        with (place / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir()
                fill(part)
                part.rename(done)
        return done

    return make


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
