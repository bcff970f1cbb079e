"""A plugin that may not take as much memory as the daemon sends."""

from __future__ import annotations

import contextlib
import sys
import textwrap
from typing import Any

import pytest

pytestmark = pytest.mark.process

NEEDS = pytest.mark.skipif(
    sys.platform != "linux", reason="needs a limit of the kernel's, and /proc"
)
HEADS = pytest.mark.parametrize("head", ["def", "async def"], ids=["blocking driver", "event loop"])


@pytest.fixture(autouse=True)
def _one_arena(monkeypatch: pytest.MonkeyPatch) -> None:
    # Else a thread that first allocates when the limit is set takes 64 MB of it for an arena.
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")


def limited(plugin: Any, head: str, more: int, body: str = "") -> Any:
    """A plugin that may take so many bytes more than it has."""
    limit = f"""
        import resource

        @plugin.method("limit")
        {head} limit() -> None:
            with open("/proc/self/statm") as statm:
                most = int(statm.read().split()[0]) * resource.getpagesize() + {more}
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        """
    daemon = plugin(textwrap.dedent(limit) + textwrap.dedent(body))
    daemon.start()
    daemon.call("limit")
    return daemon


@pytest.mark.promise("no memory for a message", "an error in the log with the size, exit status 1")
@NEEDS
@HEADS
def test_a_message_that_cannot_be_held_is_named_in_the_log(plugin, head):
    daemon = limited(plugin, head, 50_000_000)
    daemon.write('{"jsonrpc":"2.0","id":1,"method":"limit","params":["')
    with contextlib.suppress(BrokenPipeError):
        for _ in range(200):
            daemon.write("x" * 1_000_000)
    daemon.drain()
    assert daemon.process.wait(20) == 1
    assert "there is no memory to hold" in daemon.log_text()
    assert "malformed" not in daemon.log_text()


@pytest.mark.promise(
    "no memory for an answer, a topic's payload, or a handler's params",
    "an error for the caller (the hook's safe answer) and a log line; `publish` raises "
    "`MemoryError`",
)
@NEEDS
@HEADS
def test_an_answer_that_cannot_be_held_is_an_error(plugin, head):
    daemon = limited(
        plugin,
        head,
        50_000_000,
        f"""
        LARGE = b'"' + b"x" * 100_000_000 + b'"'
        topic = plugin.topic("large")

        @plugin.method("large")
        {head} large():
            return LARGE

        @plugin.method("publish")
        {head} publish():
            topic.publish(LARGE)
        """,
    )
    for _ in range(2):
        assert "no memory to hold the answer" in daemon.request("large")["error"]["message"]
    assert "no memory to send 'large'" in daemon.request("publish")["error"]["message"]
    assert daemon.hang_up() == 0


@pytest.mark.promise("no memory for an answer, a topic's payload, or a handler's params")
@NEEDS
@HEADS
def test_params_that_cannot_be_copied_are_an_error(plugin, head):
    daemon = limited(
        plugin,
        head,
        100_000_000,
        f"""
        @plugin.method("take")
        {head} take(text: str) -> int:
            return len(text)
        """,
    )
    assert "error" in daemon.request("take", ["x" * 70_000_000])
    assert daemon.call("take", ["x"]) == 1
    assert daemon.hang_up() == 0
