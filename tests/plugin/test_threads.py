"""Plain functions in threads, beside the blocking driver and beside the event loop."""

from __future__ import annotations

import json
import signal

import pytest

from clnwire.host.rules.samples import hook_sample
from tests.daemon import Daemon

THREADS = """
    import threading
    plugin = Plugin(max_threads=4, watchdog_seconds=0.3, shutdown_seconds=SECONDS)
    gates = {}

    @plugin.method("hold", thread=True)
    def wait(name: str, request: Request) -> dict:
        gates.setdefault(name, threading.Event()).wait()
        return {"name": name, "id": request.id, "thread": threading.current_thread().name}

    @plugin.method("open")
    def open_gate(name: str) -> str:
        assert threading.current_thread() is threading.main_thread()
        gates.setdefault(name, threading.Event()).set()
        return name

    @plugin.hook("peer_connected", thread=True)
    def on_peer(event: PeerConnected):
        raise OSError("disk")

    @plugin.method("leave", thread=True)
    def leave(status: int):
        raise SystemExit(status)

    @plugin.on_shutdown
    HEAD bye():
        plugin.log("bye")
"""


@pytest.fixture(params=["def", "async def"], ids=["blocking driver", "event loop"])
def start(plugin, request):
    def start(seconds=20):
        body = THREADS.replace("HEAD", request.param).replace("SECONDS", str(seconds))
        daemon = plugin(body)
        daemon.start()
        return daemon

    return start


def call(daemon, method, params, token):
    daemon.write(json.dumps({"jsonrpc": "2.0", "id": token, "method": method, "params": params}))


def test_answers_go_out_when_ready(start):
    daemon = start()
    call(daemon, "hold", ["a"], "w1")
    call(daemon, "hold", ["b"], "w2")
    assert daemon.call("open", ["b"]) == "b"
    first = daemon.reply()
    assert (first["id"], first["result"]["name"], first["result"]["id"]) == ("w2", "b", "w2")
    call(daemon, "open", ["a"], "o")
    assert {daemon.reply()["id"], daemon.reply()["id"]} == {"o", "w1"}
    assert daemon.hang_up() == 0
    assert "info bye" in daemon.log_text()


def test_there_are_no_more_than_so_many(start):
    daemon = start()
    for n in range(10):
        call(daemon, "hold", ["a"], n)
    assert daemon.call("open", ["a"]) == "a"
    replies = [daemon.reply()["result"] for _ in range(10)]
    assert {reply["id"] for reply in replies} == set(range(10))
    assert len({reply["thread"] for reply in replies}) <= 4
    assert all(reply["thread"].startswith("clnwire-handler-") for reply in replies)


def test_a_failure_gets_the_safe_answer(start):
    daemon = start()
    answer = daemon.call("peer_connected", hook_sample("peer_connected"))
    assert answer == {"result": "continue"}
    assert "error peer_connected: OSError: disk" in daemon.log_text()


def test_a_thread_may_end_the_process(start):
    daemon = start()
    assert "SystemExit" in daemon.request("leave", [3])["error"]["message"]
    daemon.drain()
    assert daemon.process.wait(20) == 3
    assert "info bye" in daemon.log_text()


@pytest.mark.parametrize("how", ["end of input", "SIGTERM"])
def test_the_end_waits_for_threads(start, how):
    daemon = start()
    call(daemon, "hold", ["a"], "w")
    assert daemon.call("open", ["b"]) == "b"
    call(daemon, "open", ["a"], "o")
    if how == "SIGTERM":
        assert {daemon.reply()["id"], daemon.reply()["id"]} == {"o", "w"}
        daemon.signal(signal.SIGTERM)
        daemon.drain()
        assert daemon.process.wait(20) == 0
    else:
        daemon.process.stdin.close()
        assert {daemon.reply()["id"], daemon.reply()["id"]} == {"o", "w"}
        daemon.drain()
        assert daemon.process.wait(20) == 0
    assert "info bye" in daemon.log_text()


@pytest.mark.parametrize("how", ["end of input", "SIGTERM"])
def test_the_end_does_not_wait_for_ever(start, how):
    daemon = start(0.5)
    call(daemon, "hold", ["a"], "w")
    assert daemon.call("open", ["b"]) == "b"
    if how == "SIGTERM":
        daemon.signal(signal.SIGTERM)
    else:
        daemon.process.stdin.close()
    daemon.drain()
    assert daemon.process.wait(20) == 1
    assert "hold: did not end in time" in daemon.log_text()


def test_one_that_takes_long_is_named_and_blames_nobody(start):
    daemon = start()
    call(daemon, "hold", ["a"], "w")
    line = daemon.receive()["params"]
    assert line["level"] == "info"
    assert line["message"].startswith("hold: still waiting after ")


def test_reading_pauses_in_the_blocking_driver_too(plugin):
    daemon = plugin(
        """
        import threading, time
        plugin = Plugin(max_in_flight=2, max_threads=8)
        lock = threading.Lock()
        now, most = 0, 0

        @plugin.method("work", thread=True)
        def work() -> int:
            global now, most
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.002)
            with lock:
                now -= 1
            return most
        """
    )
    daemon.start()
    for n in range(30):
        call(daemon, "work", [], n)
    replies = [daemon.reply() for _ in range(30)]
    assert {reply["id"] for reply in replies} == set(range(30))
    assert max(reply["result"] for reply in replies) == 2
    daemon.signal(signal.SIGTERM)
    daemon.drain()
    assert daemon.process.wait(20) == 0


def test_a_plugin_may_run_on_another_thread(tmp_path):
    """Signals are then the program's affair: only Python's main thread may handle them."""
    path = tmp_path / "threaded.py"
    path.write_text(
        "import signal, threading\n"
        "from clnwire import Plugin\n"
        "plugin = Plugin()\n"
        "@plugin.method('handlers')\n"
        "def handlers() -> bool:\n"
        "    return signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
        "thread = threading.Thread(target=plugin.run)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    daemon = Daemon(path)
    try:
        daemon.start()
        assert daemon.call("handlers") is True
        assert daemon.hang_up() == 0
    finally:
        daemon.close()
