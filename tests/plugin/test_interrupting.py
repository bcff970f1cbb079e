"""What else happens while the plugin waits for the daemon is seen at once."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

pytestmark = pytest.mark.process

WAITING = """
    import signal, time

    @plugin.method("quick")
    def quick() -> str:
        return "quick"

    @plugin.method("used")
    def used() -> float:
        return time.process_time()

    @plugin.on_init
    def begin():
        signal.signal(signal.SIGUSR1, lambda *_: plugin.log("signalled"))
"""
TAKEN = """
    signal.signal(signal.SIGURG, lambda *_: plugin.log("urgent"))
"""
MASKED = """
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])
"""
UNBLOCKED = """
    import os

    os.set_blocking(0, False)
"""
FORMS = pytest.mark.parametrize(
    "more",
    ["", TAKEN, MASKED, UNBLOCKED],
    ids=["as ever", "its signal is taken", "its signal is blocked", "stdin does not block"],
)


def signalled(daemon) -> None:
    """Signals the plugin, and waits until it has seen that."""
    daemon.signal(signal.SIGUSR1)
    assert daemon.receive()["params"]["message"] == "signalled"


@FORMS
def test_signals_at_any_moment(plugin, more):
    daemon = plugin(WAITING + more)
    daemon.start()
    chance = random.Random(1)
    for _ in range(300):
        assert daemon.request("quick")["result"] == "quick"
        # The plugin may be about to read, or read already.
        until = time.perf_counter_ns() + chance.randrange(60_000)
        while time.perf_counter_ns() < until:
            pass
        signalled(daemon)
    assert daemon.hang_up() == 0


@FORMS
def test_who_waits_does_nothing(plugin, more):
    daemon = plugin(WAITING + more)
    daemon.start()
    signalled(daemon)
    before = daemon.request("used")["result"]
    time.sleep(1)
    assert daemon.request("used")["result"] - before < 0.3


@FORMS
def test_a_signal_ends_it(plugin, more):
    daemon = plugin(WAITING + more)
    daemon.start()
    daemon.signal(signal.SIGTERM)
    daemon.drain()
    assert daemon.process.wait(20) == 0


def test_a_signal_that_the_plugin_uses_stays_its_own(plugin):
    daemon = plugin(WAITING + TAKEN)
    daemon.start()
    daemon.signal(signal.SIGURG)
    assert daemon.receive()["params"]["message"] == "urgent"
    signalled(daemon)


def test_input_during_an_interruption_is_not_lost(plugin):
    daemon = plugin(WAITING)
    daemon.start()
    for number in range(300):
        daemon.write(f'{{"jsonrpc":"2.0","id":{number},')
        os.kill(daemon.process.pid, signal.SIGURG)
        daemon.write('"method":"quick"}')
        assert daemon.reply() == {"jsonrpc": "2.0", "id": number, "result": "quick"}


def test_sigterm_after_a_handler_s_event_loop_is_never_lost(plugin):
    """The loop had SIGTERM, and sets it and the wakeup descriptor back when it closes."""
    for attempt in range(16):
        daemon = plugin(
            """
            import asyncio, signal

            async def work() -> None:
                loop = asyncio.get_running_loop()
                for number in (signal.SIGTERM, signal.SIGUSR1):
                    loop.add_signal_handler(number, print, "the loop's")
                await asyncio.sleep(0)

            @plugin.method("go")
            def go() -> None:
                asyncio.run(work())

            @plugin.on_shutdown
            def bye():
                plugin.log("bye")
            """
        )
        daemon.start()
        daemon.call("go")
        time.sleep(attempt * 0.00025)
        daemon.signal(signal.SIGTERM)
        daemon.drain()
        assert daemon.process.wait(20) == 0
        assert daemon.log_text() == "info bye"


def test_sigterm_after_an_event_loop_that_had_another_signal_ends_the_wait(plugin):
    """The loop leaves the plugin's handler, but no wakeup descriptor."""
    daemon = plugin(
        """
        import asyncio, signal

        async def work() -> None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print, "the loop's")

        @plugin.method("go")
        def go() -> int:
            asyncio.run(work())

        @plugin.method("look")
        def look() -> bool:
            fd = signal.set_wakeup_fd(-1)
            signal.set_wakeup_fd(fd, warn_on_full_buffer=False)
            return fd >= 0
        """
    )
    daemon.start()
    daemon.call("go")
    assert daemon.call("look")


def test_a_second_sigterm_kills_after_a_handler_s_event_loop(plugin):
    daemon = plugin(
        """
        import asyncio, os, signal, time

        async def work() -> None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print, "the loop's")

        @plugin.method("go")
        def go() -> None:
            asyncio.run(work())
            os.kill(os.getpid(), signal.SIGTERM)

        @plugin.on_shutdown
        def bye():
            plugin.log("bye")
            time.sleep(600)
        """
    )
    daemon.start()
    daemon.write('{"jsonrpc":"2.0","id":9,"method":"go","params":[]}\n\n')
    while daemon.receive().get("method") != "log":
        pass
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(20) == -signal.SIGTERM
