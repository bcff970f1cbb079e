"""The pytest plugin `clnwire`: fixtures to test plugins of Core Lightning without a node.

pytest imports this module in every project where clnwire is installed. So it imports only pytest;
the fixtures import the rest when they are used. `clnwire.testing` documents the objects that they
return.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from clnwire.testing import BlockingHost, RunPlugin, RunPluginAsync, Traffic

_TRAFFIC: pytest.StashKey[list[Traffic]] = pytest.StashKey()
_SECTION = "clnwire traffic"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the ini option."""
    parser.addini(
        "clnwire_patience",
        "default time-out, in seconds, of the waiting helpers of clnwire's fixtures",
        default="10",
    )


# `hookwrapper` because pluggy before 1.2 does not know `wrapper` and would fail every run.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Adds the messages between the daemon and its plugins to a failure's report."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    if report.failed:
        recorded = item.stash.get(_TRAFFIC, None) or ()
        report.sections.extend((_SECTION, str(traffic)) for traffic in recorded)


@pytest.fixture
def clnwire_settings() -> dict[str, Any]:
    """Keyword arguments for the `clnwire.host.Host` of `clnwire_host`. Override it in tests."""
    return {}


@pytest.fixture
def clnwire_host(
    request: pytest.FixtureRequest, clnwire_settings: dict[str, Any]
) -> Generator[BlockingHost, None, None]:
    """The embedded host, which acts as the daemon; it has its own temporary directory."""
    from clnwire.testing import BlockingHost

    settings = {"patience": _patience(request.config), **clnwire_settings}
    host = BlockingHost(**settings)
    # Stored before the host starts and kept until the report, since setup and teardown may fail.
    request.node.stash.setdefault(_TRAFFIC, []).append(host.traffic)
    host.traffic.is_reported = True
    with host:
        yield host
        problems = host.close()
    if problems:
        # Without a traceback: it would show this fixture.
        pytest.fail("; ".join(problems), pytrace=False)


@pytest.fixture
def run_plugin(clnwire_host: BlockingHost) -> RunPlugin:
    """A function that starts a plugin from a file or a `Plugin`: `run_plugin("hello.py", {…})`."""
    return clnwire_host.start


@pytest.fixture
def run_plugin_async(clnwire_host: BlockingHost) -> RunPluginAsync:
    """As `run_plugin`, for `async def` tests: its function and the plugin's methods are awaited.

    The fixture itself is plain, so it needs no plugin of pytest; the test needs one that runs it.
    """
    from clnwire.testing import RunPluginAsync

    return RunPluginAsync(clnwire_host)


def _patience(config: pytest.Config) -> float:
    text = config.getini("clnwire_patience")
    try:
        return float(text)
    except ValueError:
        raise pytest.UsageError(f"clnwire_patience: {text!r} is not a number of seconds") from None
