"""What else happens while the plugin waits for the daemon is seen at once."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

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
