"""A plugin that may not take as much memory as the daemon sends."""

from __future__ import annotations

import contextlib
import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the kernel's, and /proc")
@pytest.mark.parametrize("head", ["def", "async def"], ids=["blocking driver", "event loop"])
def test_a_message_that_cannot_be_held_is_named_in_the_log(plugin, head):
    daemon = plugin(
        f"""
        import resource

        @plugin.method("limit")
        {head} limit() -> None:
            with open("/proc/self/statm") as statm:
                now = int(statm.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (now + 50_000_000, now + 50_000_000))
        """
    )
    daemon.start()
    daemon.call("limit")
    daemon.write('{"jsonrpc":"2.0","id":1,"method":"limit","params":["')
    with contextlib.suppress(BrokenPipeError):
        for _ in range(200):
            daemon.write("x" * 1_000_000)
    daemon.drain()
    assert daemon.process.wait(20) == 1
    assert "there is no memory to hold" in daemon.log_text()
