"""Functions that are called every few seconds, and what tells of the plugin's end."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from typing import Any

import pytest

from clnwire import NotReadyError, Plugin, RpcError, UsageError
from clnwire._wire.codec import encode
from clnwire.hooks import HtlcAccepted
from clnwire.testing import BlockingHost, sample

PROCESS = pytest.mark.process
FORMS = pytest.mark.parametrize("head", ["def", "async def"])
ENDS = pytest.mark.parametrize("how", ["end of input", "shutdown", "SIGTERM"])


def end(daemon: Any, how: str) -> None:
    if how == "end of input":
        daemon.process.stdin.close()
    elif how == "shutdown":
        daemon.notify("shutdown", {})
    else:
        daemon.signal(signal.SIGTERM)


def wait_for_log(daemon: Any, text: str) -> None:
    """Takes messages until this one is logged. A thread may log before `init` is answered."""
    while text not in messages(daemon):
        daemon.logs.append(daemon.receive()["params"])
    daemon.logs.clear()


def messages(daemon: Any) -> list[str]:
    return [line["message"] for line in daemon.logs]


@PROCESS
@FORMS
def test_rounds_go_on_after_a_failure_and_do_not_overlap(plugin, head):
    daemon = plugin(
        f"""
        import asyncio, time
        rounds = []

        @plugin.every(0.01)
        {head} work():
            rounds.append("in")
            {"await asyncio.sleep(0.03)" if "async" in head else "time.sleep(0.03)"}
            rounds.append("out")
            if len(rounds) == 2:
                raise OSError("no disk")

        @plugin.method("rounds")
        def get():
            return rounds
        """
    )
    daemon.start()
    deadline = time.monotonic() + 20
    while len(rounds := daemon.call("rounds")) < 6:
        assert time.monotonic() < deadline
    assert rounds[:6] == ["in", "out"] * 3
    assert daemon.hang_up() == 0
    assert "error background work: OSError: no disk" in daemon.log_text()
    assert "Traceback" in daemon.log_text()


@PROCESS
@FORMS
@ENDS
def test_the_end_comes_between_rounds(plugin, head, how):
    daemon = plugin(
        f"""
        @plugin.every(1000)
        {head} work():
            plugin.log("round")

        @plugin.on_shutdown
        def bye():
            plugin.log("bye")
        """
    )
    daemon.start()
    wait_for_log(daemon, "round")
    end(daemon, how)
    daemon.drain()
    assert daemon.process.wait(20) == 0
    assert messages(daemon) == ["bye"]


@PROCESS
@pytest.mark.usefixtures("event_loop")
@ENDS
def test_a_round_in_a_task_is_cancelled(plugin, how):
    daemon = plugin(
        """
        import asyncio

        @plugin.every(0.01)
        async def work():
            plugin.log("round")
            try:
                await asyncio.sleep(1000)
            finally:
                plugin.log("finally")

        @plugin.on_shutdown
        async def bye():
            plugin.log("bye")
        """
    )
    daemon.start()
    wait_for_log(daemon, "round")
    end(daemon, how)
    daemon.drain()
    assert daemon.process.wait(20) == 0
    assert messages(daemon) == ["finally", "bye"]


@PROCESS
@pytest.mark.parametrize("served", ["def", "async def"])
@ENDS
def test_a_round_in_a_thread_learns_of_the_end_and_finishes(plugin, served, how):
    daemon = plugin(
        f"""
        plugin = Plugin(shutdown_seconds=1000)

        @plugin.every(0.01)
        def work():
            plugin.log("round")
            if plugin.stopping.wait(900):
                plugin.log("finished")

        @plugin.on_shutdown
        {served} bye():
            plugin.log("bye")
        """
    )
    daemon.start()
    wait_for_log(daemon, "round")
    end(daemon, how)
    daemon.drain()
    assert daemon.process.wait(20) == 0
    assert messages(daemon) == ["finished", "bye"]


@PROCESS
def test_a_round_in_a_thread_that_goes_on_does_not_keep_the_plugin(plugin):
    daemon = plugin(
        """
        import time
        plugin = Plugin(shutdown_seconds=2)

        @plugin.every(0.01)
        def work():
            plugin.log("round")
            time.sleep(1000)

        @plugin.on_shutdown
        def bye():
            plugin.log("bye")
        """
    )
    daemon.start()
    wait_for_log(daemon, "round")
    assert daemon.hang_up() == 0
    assert messages(daemon) == ["bye"]


HOLDERS = {
    "async": """
        @plugin.hook("htlc_accepted")
        async def hold(event: HtlcAccepted):
            plugin.log("held")
            await plugin.stopping
            return HtlcFail(failure_message="2002")
    """,
    "thread": """
        @plugin.hook("htlc_accepted", thread=True)
        def hold(event: HtlcAccepted):
            plugin.log("held")
            assert plugin.stopping.wait()
            return HtlcFail(failure_message="2002")
    """,
}


@PROCESS
@pytest.mark.parametrize("form", HOLDERS)
@ENDS
def test_what_a_hook_holds_is_answered_before_the_end(plugin, form, how):
    daemon = plugin("        plugin = Plugin(shutdown_seconds=1000)\n" + HOLDERS[form])
    daemon.start()
    params = json.loads(encode(sample(HtlcAccepted)))
    for number in (1, 2):
        request = {"jsonrpc": "2.0", "id": number, "method": "htlc_accepted", "params": params}
        daemon.write(json.dumps(request))
        wait_for_log(daemon, "held")
    end(daemon, how)
    for _ in (1, 2):
        assert daemon.reply()["result"] == {"result": "fail", "failure_message": "2002"}
    daemon.drain()
    assert daemon.process.wait(20) == 0


def test_the_period_may_be_an_option():
    plugin = Plugin()
    retry = plugin.option("retry", 1000, dynamic=True)
    rounds = threading.Semaphore(0)

    @plugin.every(retry, jitter=0)
    def work() -> None:
        rounds.release()

    with BlockingHost() as host:
        running = host.start(plugin, {"retry": 1})
        assert rounds.acquire(timeout=20)
        assert rounds.acquire(timeout=20)
        assert running.hang_up() == 0
    with BlockingHost() as host:
        running = host.start(plugin, {"retry": 0})
        running.wait_for_log("every: option 'retry' must be a number above 0, not 0; the plugin")
        assert running.wait_ended() == 1


def test_a_thread_that_a_run_has_left_is_told_to_end():
    plugin = Plugin()
    seen: list[bool] = []
    may_go_on = threading.Event()

    @plugin.background
    def work() -> None:
        seen.append(plugin.stopping.is_set())
        plugin.stopping.wait()
        may_go_on.wait(20)
        seen.append(plugin.stopping.wait(0))

    with pytest.raises(NotReadyError):
        plugin.stopping  # noqa: B018
    with BlockingHost() as host:
        assert host.start(plugin).hang_up() == 0
    deadline = time.monotonic() + 20
    while plugin._run is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    may_go_on.set()
    while len(seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert seen == [False, True]


def test_waiting_on_the_thread_that_serves_is_refused():
    plugin = Plugin()

    @plugin.method("blocking")
    def blocking() -> None:
        plugin.stopping.wait(1000)

    @plugin.method("awaiting")
    async def awaiting() -> str:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(plugin.stopping, 0.01)
        assert not plugin._run.stopping._futures  # type: ignore[union-attr]
        return "not yet"

    with BlockingHost() as host:
        running = host.start(plugin)
        assert running.call("awaiting") == "not yet"
        with pytest.raises(Exception, match=r"blocks the thread.* use `await plugin"):
            running.call("blocking")


def test_what_an_earlier_run_has_used_says_where_to_create_it():
    plugin = Plugin()
    never = asyncio.Event()

    @plugin.method("hold")
    async def hold() -> None:
        await asyncio.wait_for(never.wait(), 0.01)

    for expected in ("TimeoutError", "different event loop; an earlier run.*create it in on_init"):
        with BlockingHost() as host:
            running = host.start(plugin)
            with pytest.raises(RpcError, match=expected):
                running.call("hold")


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "5", None])
def test_a_period_that_cannot_be(seconds):
    with pytest.raises(UsageError, match="every: seconds must be a number above 0"):
        Plugin().every(seconds)


def test_a_decorator_without_its_seconds_is_refused():
    with pytest.raises(UsageError, match=r"write @plugin.every\(60\), with the seconds"):

        @Plugin().every  # type: ignore[arg-type]
        def work() -> None: ...

    with pytest.raises(UsageError, match="jitter must be from 0 to 1"):
        Plugin().every(1, jitter=2)


@pytest.mark.parametrize(
    ("kind", "arguments", "topics"),
    [("async def", "", ["shutdown"]), ("def", ", thread=True", ["shutdown"]), ("def", "", [])],
)
def test_what_may_hold_an_event_hears_of_the_end(plugin, kind, arguments, topics):
    """Otherwise `plugin stop` kills the plugin, and lets pass what it holds."""
    daemon = plugin(
        f"""
        @plugin.hook("htlc_accepted"{arguments})
        {kind} hold(event):
            return CONTINUE
        """
    )
    assert daemon.start()["subscriptions"] == topics
