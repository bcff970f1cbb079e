"""The pytest plugin `clnwire`: fixtures to test plugins of Core Lightning without a node.

Every run of pytest imports this module, in whatever project. So it imports nothing but pytest; the
rest comes with the first fixture. See `clnwire.testing` for what the fixtures give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from clnwire.testing import BlockingHost, RunPlugin, Traffic

_TRAFFIC: pytest.StashKey[list[Traffic]] = pytest.StashKey()
_SECTION = "clnwire traffic"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the ini option."""
    parser.addini(
        "clnwire_patience",
        "seconds that the helpers of clnwire's fixtures wait unless told otherwise",
        default="10",
    )


# Not `wrapper`, which pluggy knows from 1.2 on: an older one would fail every run of pytest.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Shows with a failure what the daemon and its plugins said to each other."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    if report.failed:
        recorded = item.stash.get(_TRAFFIC, None) or ()
        report.sections.extend((_SECTION, str(traffic)) for traffic in recorded)


@pytest.fixture
def clnwire_settings() -> dict[str, Any]:
    """The settings of `clnwire_host`, those of `clnwire.host.Host`: for tests to override."""
    return {}


@pytest.fixture
def clnwire_host(
    request: pytest.FixtureRequest, clnwire_settings: dict[str, Any]
) -> Generator[BlockingHost, None, None]:
    """The daemon's side: the embedded host, with a temporary directory of its own."""
    from clnwire.testing import BlockingHost

    settings = {"patience": _patience(request.config), **clnwire_settings}
    host = BlockingHost(**settings)
    # Before it runs, and until the report is made: setup and teardown fail as well.
    request.node.stash.setdefault(_TRAFFIC, []).append(host.traffic)
    with host:
        yield host


@pytest.fixture
def run_plugin(clnwire_host: BlockingHost) -> RunPlugin:
    """Starts a plugin, from its file or a `Plugin` object: `run_plugin("hello.py", {…})`."""
    return clnwire_host.start


def _patience(config: pytest.Config) -> float:
    text = config.getini("clnwire_patience")
    try:
        return float(text)
    except ValueError:
        raise pytest.UsageError(f"clnwire_patience: {text!r} is no number of seconds") from None
