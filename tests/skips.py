"""Why a test may be skipped. Any other reason is a failure, so that no test is lost unseen."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Final, TypeVar

import pytest

SOURCE: Final = (Path(__file__).resolve().parents[1] / "python").is_dir()
"""The tests run in a source tree, for which `make test` installs all packages that they need."""

MACHINE: Final = (
    # Programs and data that no package brings.
    r"needs a lightningd: .+",
    r"needs actionlint on the PATH",
    r"needs (node|make|cargo|bash|script\(1\)|a C compiler)",
    r"needs a clone, whose files git lists",
    r"needs JSONTestSuite, whose folder JSON_TEST_SUITE names",
    r"needs the shared captures and schemas, which are not at .+",
    # The system, the user, and the interpreter.
    r"needs Linux, as the load generator does",
    r"needs Linux's /proc",
    r"needs /proc and pidfd",
    r"needs /dev/fd to count descriptors",
    r"needs a limit of the kernel's, and /proc",
    r"needs strace, and leave to attach it to a process",
    r"needs glibc's mallinfo2",
    r"needs a system that forks",
    r"looks into /proc",
    r"limits a running process: Linux only",
    r"two see each other's marks on Linux only",
    r"needs root to give a directory away",
    r"needs root to (mount a file system|make network namespaces)",
    r"needs a PostgreSQL server: .+",
    r"needs another Python, from pyenv",
    r"needs eager tasks",
    r"needs Python's exception groups",
    r"needs a free-threaded Python",
    # A block of the docs, which says there why.
    r"not run: .+",
)
PACKAGES: Final = (
    r"needs the (extra|group test|dependency group): .+",
    r"needs matplotlib.*",
    r"needs pyln-client.*",
    r"could not import .+",
)
"""What an installed clnwire's tests may lack."""

_Report = TypeVar("_Report", pytest.TestReport, pytest.CollectReport)


def is_known(reason: str) -> bool:
    """Whether a test may be skipped for it, where these tests run."""
    known = MACHINE if SOURCE else MACHINE + PACKAGES
    return any(re.fullmatch(one, reason, re.DOTALL) for one in known)


def _judged(report: _Report) -> _Report:
    if not report.skipped or hasattr(report, "wasxfail"):
        return report
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = text.removeprefix("Skipped: ")
    if not is_known(reason):
        report.outcome = "failed"
        report.longrepr = f"it was skipped for a reason that tests/skips.py does not list: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _judged((yield))
