"""The tests that show what clnwire promises, and the record of a run of them.

The mark `promise(danger, what_happens)` makes a test show a line of `docs/reliability.md`. Further
tests of the same line give its danger alone. With `--promises=FILE` pytest runs only tests with the
mark, and records which of them passed, in how many cases. `python/generate_reliability.py` writes
the page from that file.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

MARK = "promise"
FOLDER = f"{Path(__file__).parent.name}/"


@dataclass
class Shown:
    """What a test showed."""

    test: str
    """Its name, such as `plugin/test_safety.py::test_a_fork`."""
    promises: list[list[str]]
    """Of each mark: the danger, and what happens unless another test says it."""
    line: int
    passed: int = 0
    skipped: int = 0


@dataclass
class Recorder:
    """Collects what the tests showed, and writes it unless one of them failed."""

    file: Path
    tests: dict[str, Shown] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not report.skipped:
            return
        name = report.nodeid.partition("[")[0].removeprefix(FOLDER)
        words: list[Any] = [value for what, value in report.user_properties if what == MARK]
        promises = [list[str](each) for each in words]
        shown = self.tests.setdefault(name, Shown(name, promises, report.location[1] or 0))
        shown.passed += report.passed
        shown.skipped += report.skipped

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus != pytest.ExitCode.OK:
            return
        # What this imports is only needed here.
        from benches.suite.machine import machine

        tests = sorted(self.tests.values(), key=lambda one: (one.test.partition("::")[0], one.line))
        record = {"machine": machine(), "tests": tests}
        self.file.write_text(json.dumps(record, default=_plain, indent=1) + "\n")


def _plain(value: object) -> object:
    import msgspec

    return asdict(value) if isinstance(value, Shown) else msgspec.to_builtins(value)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--promises", metavar="FILE", type=Path, help="run what shows a promise, and record it"
    )


def pytest_configure(config: pytest.Config) -> None:
    file: Path | None = config.getoption("--promises")
    if file and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(file))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        item.user_properties += [(MARK, mark.args) for mark in item.iter_markers(MARK)]
    if config.getoption("--promises"):
        items[:] = [item for item in items if item.get_closest_marker(MARK)]
