"""Handlers that wait: answers as they are ready, the order of notifications, what is refused."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from clnwire.host.rules.samples import hook_sample

pytestmark = pytest.mark.usefixtures("event_loop")

GATES = """
    import asyncio
    gates = {}

    def gate(name):
        return gates.setdefault(name, asyncio.Event())

    @plugin.method("hold")
    async def wait(name: str) -> str:
        await gate(name).wait()
        return f"waited for {name}"

    @plugin.method("open")
    def open_gate(name: str) -> str:
        gate(name).set()
        return f"opened {name}"

    @plugin.method("answer")
    async def answer(value: int, request: Request) -> dict:
        await asyncio.sleep(0)
        return {"value": value, "id": request.id}
"""


@pytest.fixture
def gates(plugin):
    daemon = plugin(GATES)
    daemon.start()
    return daemon


def call(daemon, method, params, token):
    daemon.write(json.dumps({"jsonrpc": "2.0", "id": token, "method": method, "params": params}))


def test_answers_go_back_as_they_are_ready(gates):
    call(gates, "hold", ["a"], "w1")
    call(gates, "hold", ["b"], "w2")
    assert gates.call("open", ["b"]) == "opened b", "plain functions are served meanwhile"
    assert gates.reply() == {"jsonrpc": "2.0", "id": "w2", "result": "waited for b"}
    call(gates, "open", ["a"], "o")
    assert {gates.reply()["id"], gates.reply()["id"]} == {"o", "w1"}
    assert gates.hang_up() == 0


def test_many_at_once_each_with_its_own_request(gates):
    frames = (
        {"jsonrpc": "2.0", "id": f"n{n}", "method": "answer", "params": [n]} for n in range(500)
    )
    gates.write("".join(json.dumps(frame) for frame in frames))
    replies = [gates.reply() for _ in range(500)]
    assert {reply["id"] for reply in replies} == {f"n{n}" for n in range(500)}
    assert all(f"n{reply['result']['value']}" == reply["result"]["id"] for reply in replies)


def test_failures_are_answered_as_in_plain_handlers(plugin):
    daemon = plugin(
        """
        import asyncio

        @plugin.method("refuse")
        async def refuse():
            await asyncio.sleep(0)
            raise RpcError(7, "no", {"why": 1})

        @plugin.method("fail")
        async def fail():
            await asyncio.sleep(0)
            raise ValueError("broken")

        @plugin.method("typed")
        async def typed(n: int):
            return object()

        @plugin.hook("peer_connected")
        async def on_peer(event: PeerConnected):
            await asyncio.sleep(0)
            raise OSError("disk")

        @plugin.hook("openchannel")
        async def on_channel(event):
            await asyncio.sleep(0)

        @plugin.hook("custommsg")
        async def on_message(event):
            await asyncio.sleep(0)
            return CONTINUE
        """
    )
    daemon.start()
    error = daemon.request("refuse")["error"]
    assert error == {"code": 7, "message": "no", "data": {"why": 1}}
    assert daemon.request("fail")["error"]["message"] == "fail: ValueError: broken"
    assert "Traceback" in daemon.log_text()
    assert daemon.request("typed", ["x"])["error"]["code"] == -32602
    assert "object" in daemon.request("typed", [1])["error"]["message"]
    answer = daemon.call("peer_connected", hook_sample("peer_connected"))
    assert answer == {"result": "continue"}
    assert "error peer_connected: OSError: disk" in daemon.log_text()
    assert daemon.call("openchannel", hook_sample("openchannel"))["result"] == "reject"
    assert daemon.call("custommsg", hook_sample("custommsg")) == {"result": "continue"}
    assert daemon.hang_up() == 0


@pytest.mark.parametrize("mode", ["async", "thread"])
def test_notifications_of_one_topic_keep_their_order(plugin, mode):
    """The first event of `a` is slow; those behind it wait, those of `b` do not."""
    head = {"async": "async def", "thread": "def"}[mode]
    rest = {"async": "await asyncio.sleep", "thread": "time.sleep"}[mode]
    daemon = plugin(
        f"""
        import asyncio, time

        @plugin.subscribe("a", thread={mode == "thread"})
        @plugin.subscribe("b", thread={mode == "thread"})
        {head} handle(event: dict, about: Notification):
            {rest}(event["seconds"])
            plugin.log(f"{{about.topic}}{{event['n']}}")
        """
    )
    daemon.start()
    for n in range(3):
        daemon.notify("a", {"n": n, "seconds": 0.3 if n == 0 else 0})
    for n in range(2):
        daemon.notify("b", {"n": n, "seconds": 0})
    assert daemon.hang_up() == 0
    said = [line["message"] for line in daemon.logs]
    assert [each for each in said if each[0] == "a"] == ["a0", "a1", "a2"]
    assert said[:2] == ["b0", "b1"]


def test_a_handler_of_everything_keeps_the_order_of_each_topic(plugin):
    daemon = plugin(
        """
        import asyncio

        @plugin.subscribe("*")
        async def handle(event: dict, about: Notification):
            await asyncio.sleep(event["seconds"])
            plugin.log(f"{about.topic}{event['n']} {about.origin}")
        """
    )
    daemon.start()
    for topic, n, seconds in [("a", 0, 0.2), ("a", 1, 0), ("b", 0, 0)]:
        payload = {"n": n, "seconds": seconds}
        message = {"jsonrpc": "2.0", "method": topic, "origin": "other.py", "params": payload}
        daemon.write(json.dumps(message))
    assert daemon.hang_up() == 0
    assert [line["message"] for line in daemon.logs] == [
        "b0 other.py",
        "a0 other.py",
        "a1 other.py",
    ]


def test_the_start_and_the_end_may_wait(plugin):
    daemon = plugin(
        """
        import asyncio
        name = plugin.option("greeting", "World")

        @plugin.on_init
        async def ready(init):
            await asyncio.sleep(0.01)
            plugin.log(f"{name.value} {init.configuration.rpc_file}")

        @plugin.on_init
        def plain():
            plugin.log("plain")

        @plugin.on_shutdown
        async def bye():
            await asyncio.sleep(0.01)
            plugin.log("bye")
        """
    )
    daemon.start({"greeting": "Hi"})
    assert daemon.hang_up() == 0
    assert [line["message"] for line in daemon.logs] == ["Hi lightning-rpc", "plain", "bye"]


def test_a_start_that_fails_disables(plugin):
    daemon = plugin(
        """
        @plugin.on_init
        async def ready():
            raise OSError("no disk")
        """
    )
    daemon.getmanifest()
    assert daemon.init() == {"disable": "init failed: OSError: no disk"}


def test_hooks_are_served_while_init_waits(plugin):
    daemon = plugin(
        """
        import asyncio
        connected = asyncio.Event()

        @plugin.on_init
        async def ready():
            await connected.wait()

        @plugin.hook("peer_connected")
        def on_peer(event):
            connected.set()
            return CONTINUE
        """
    )
    daemon.getmanifest()
    call(
        daemon, "init", {"options": {}, "configuration": {"lightning-dir": "/", "rpc-file": "r"}}, 5
    )
    answer = daemon.call("peer_connected", hook_sample("peer_connected"))
    assert answer == {"result": "continue"}
    assert daemon.reply()["id"] == 5


def test_what_blocks_the_loop_is_named_and_what_waits_is_not_blamed(plugin):
    daemon = plugin(
        """
        import asyncio, time
        plugin = Plugin(watchdog_seconds=0.3)

        @plugin.method("block")
        async def block():
            await asyncio.sleep(0)
            time.sleep(0.8)

        @plugin.method("linger")
        async def linger():
            await asyncio.sleep(0.8)
        """
    )
    daemon.start()
    daemon.call("block")
    assert "warn block: has not returned for 0." in daemon.log_text()
    daemon.call("linger")
    # A line about `block` may come after its answer: the watchdog is another thread.
    lines = [line for line in daemon.log_text().splitlines() if "linger" in line]
    assert any("info linger: still waiting after 0." in line for line in lines)
    assert not any("holds up" in line for line in lines)


def test_the_request_is_known_in_tasks_that_a_handler_starts(plugin):
    daemon = plugin(
        """
        import asyncio
        from clnwire._definition.current import HANDLED

        async def who():
            await asyncio.sleep(0.01)
            return HANDLED.get().token.decode()

        @plugin.method("ask")
        async def ask() -> list[str]:
            in_thread = asyncio.to_thread(lambda: HANDLED.get().method)
            return list(await asyncio.gather(who(), in_thread))

        @plugin.method("leave")
        def leave():
            tasks.append(asyncio.ensure_future(who()))
        tasks = []

        @plugin.method("collect")
        async def collect():
            return [await task for task in tasks]
        """
    )
    daemon.start()
    assert daemon.request("ask", token='"me"')["result"] == ['"me"', "ask"]
    daemon.request("leave", token='"plain"')
    assert daemon.call("collect") == ['"plain"']


@pytest.mark.promise(
    "a blocking `plugin.rpc` call in the event loop",
    "`DeadlockError` at once, which names the alternative",
)
@pytest.mark.parametrize("place", ["async def", "def"])
def test_a_blocking_call_in_the_event_loop_raises_at_once(plugin, place):
    daemon = plugin(
        f"""
        @plugin.method("other")
        async def other(): ...

        @plugin.method("ask")
        {place} ask():
            plugin.rpc.call("getinfo")
        """
    )
    daemon.start()
    error = daemon.request("ask")["error"]["message"]
    assert "would block the event loop" in error
    assert "thread=True" in error


@pytest.mark.promise("any call in `db_write`")
def test_rpc_in_an_async_db_write_raises_at_once(plugin):
    daemon = plugin(
        """
        import asyncio

        @plugin.hook("db_write")
        async def on_write(event: DbWrite):
            await asyncio.to_thread(plugin.rpc.call, "getinfo")
            return CONTINUE
        """
    )
    daemon.start()
    error = daemon.request("db_write", {"data_version": 1, "writes": []})["error"]["message"]
    assert "in db_write: the daemon waits for that hook" in error


@pytest.mark.process
def test_asyncio_is_not_imported_without_need(plugin):
    daemon = plugin(
        """
        import sys

        @plugin.method("modules")
        def modules() -> list[str]:
            return sorted({"asyncio", "queue", "concurrent"} & set(sys.modules))
        """
    )
    daemon.start()
    assert daemon.call("modules") == []


def test_a_message_that_is_no_json_is_refused_and_the_next_one_handled(gates):
    gates.write('{"jsonrpc":"2.0","method":"answer","params":[0x4],"id":8}\n\n')
    assert gates.reply()["error"]["code"] == -32700
    gates.write('{"jsonrpc":"2.0","id":9,"method":"answer","params":[4]}')
    assert gates.reply()["result"]["value"] == 4


def test_a_daemon_that_does_not_read_stops_nobody(plugin):
    """A reply that does not fit into the pipe waits there; the loop goes on."""
    daemon = plugin(
        """
        import asyncio, os

        @plugin.method("large")
        async def large() -> str:
            return "x" * 1_000_000

        @plugin.subscribe("touch")
        def touch(event: dict):
            os.close(os.open(event["path"], os.O_CREAT))
        """
    )
    daemon.start()
    call(daemon, "large", [], 1)
    path = daemon.process.args[1] + ".touched"
    daemon.notify("touch", {"path": path})
    deadline = time.monotonic() + 20
    while not Path(path).exists():
        assert time.monotonic() < deadline, "the loop stands still"
        time.sleep(0.01)
    assert len(daemon.reply()["result"]) == 1_000_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_seen_at_once(gates, number):
    gates.signal(number)
    gates.drain()
    assert gates.process.wait(20) == 0


@pytest.mark.parametrize("head", ["async def", "def"])
def test_a_handler_may_end_the_process(plugin, head):
    daemon = plugin(
        f"""
        @plugin.method("leave")
        {head} leave(status: int):
            raise SystemExit(status)

        @plugin.on_shutdown
        async def bye():
            plugin.log("bye")
        """
    )
    daemon.start()
    assert "SystemExit" in daemon.request("leave", [3])["error"]["message"]
    daemon.drain()
    assert daemon.process.wait(20) == 3
    assert "info bye" in daemon.log_text()


@pytest.mark.parametrize("head", ["async def", "def"])
def test_a_fork_has_nothing_to_say_and_takes_nothing_away(plugin, head):
    daemon = plugin(
        f"""
        import os

        @plugin.method("fork")
        {head} fork() -> int:
            return os.fork()

        @plugin.method("reap")
        async def reap(child: int) -> int:
            return os.waitpid(child, 0)[1]

        @plugin.on_shutdown
        def bye():
            plugin.log("bye")
        """
    )
    daemon.start()
    child = daemon.call("fork")
    assert child > 0
    assert daemon.call("reap", [child]) == 0
    assert daemon.hang_up() == 0
    assert daemon.log_text() == "info bye"


def test_uvloop_is_used_if_it_is_there(plugin, event_loop):
    daemon = plugin(
        """
        import asyncio

        @plugin.method("loop")
        async def loop() -> str:
            return type(asyncio.get_running_loop()).__module__
        """
    )
    daemon.start()
    assert daemon.call("loop").partition(".")[0] == event_loop
