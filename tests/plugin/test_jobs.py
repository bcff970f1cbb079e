"""Messages in tasks and threads: each begins once, in its order, whatever starts it; and what
waits for the daemon never keeps out what the daemon waits for."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from pathlib import Path

import pytest

from clnwire.host import Host
from clnwire.host.rules.samples import hook_sample

# Order


@pytest.mark.usefixtures("event_loop")
def test_a_plain_handler_does_not_overtake_an_async_one(plugin):
    daemon = plugin(
        """
        total = 0

        @plugin.method("add")
        async def add() -> int:
            global total
            total += 1
            return total

        @plugin.method("get")
        def get() -> int:
            return total

        @plugin.subscribe("more")
        async def more(event: dict):
            global total
            total += 1

        @plugin.subscribe("look")
        def look(event: dict):
            plugin.log(str(total))
        """
    )
    daemon.start()
    calls = "".join(
        json.dumps({"jsonrpc": "2.0", "id": n, "method": name})
        for n, name in enumerate(["add", "get", "add", "get", "get", "add"] * 20)
    )
    daemon.write(calls)
    replies = [daemon.reply() for _ in range(120)]
    assert [reply["id"] for reply in replies] == list(range(120))
    expected = [each + 3 * n for n in range(20) for each in (1, 1, 2, 2, 2, 3)]
    assert [reply["result"] for reply in replies] == expected
    # Piece by piece, so that each message may come in a round of the loop of its own.
    for n, name in enumerate(["add", "get"] * 50):
        daemon.write(json.dumps({"jsonrpc": "2.0", "id": n, "method": name}))
    replies = [daemon.reply()["result"] for _ in range(100)]
    assert replies == [60 + each for n in range(1, 51) for each in (n, n)]
    for topic in ["more", "look", "look"]:
        daemon.notify(topic, {})
    assert daemon.call("get") == 111
    assert [line["message"] for line in daemon.logs] == ["111", "111"]
    assert daemon.hang_up() == 0


@pytest.mark.usefixtures("event_loop")
def test_a_plain_handler_in_its_turn_is_like_any_other(plugin):
    """It fails, is watched, knows its request, and may end the plugin."""
    daemon = plugin(
        """
        import time
        plugin = Plugin(watchdog_seconds=0.3)

        @plugin.method("first")
        async def first(): ...

        @plugin.method("fail")
        def fail():
            raise ValueError("broken")

        @plugin.method("block")
        def block(request: Request):
            time.sleep(0.8)
            return request.id

        @plugin.method("leave")
        def leave():
            raise SystemExit(3)
        """
    )
    daemon.start()

    def behind(method):
        first = {"jsonrpc": "2.0", "id": "first", "method": "first"}
        second = {"jsonrpc": "2.0", "id": method, "method": method}
        daemon.write(json.dumps(first) + json.dumps(second))
        assert daemon.reply()["id"] == "first"
        return daemon.reply()

    assert behind("fail")["error"]["message"] == "fail: ValueError: broken"
    assert behind("block")["result"] == "block"
    assert "warn block: has not returned" in daemon.log_text()
    assert "SystemExit" in behind("leave")["error"]["message"]
    daemon.drain()
    assert daemon.process.wait(20) == 3


# Starts


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs eager tasks")
@pytest.mark.usefixtures("event_loop")
@pytest.mark.parametrize("count", [1000, 5000, 20_000, 100_000])
def test_a_queue_of_eager_tasks(plugin, count):
    """Each runs within its own creation: the next must not be started there."""
    daemon = plugin(
        f"""
        import asyncio
        plugin = Plugin(max_in_flight={count + 10})
        seen = []

        def eager(loop, coroutine, *, name=None, context=None, **_):
            return asyncio.Task(
                coroutine, loop=loop, name=name, context=context, eager_start=True
            )

        @plugin.on_init
        async def ready():
            asyncio.get_running_loop().set_task_factory(eager)

        @plugin.subscribe("topic")
        async def handle(event: dict):
            if event["n"] == 0:
                await asyncio.sleep(1)
            seen.append(event["n"])

        @plugin.on_shutdown
        async def bye():
            plugin.log(f"{{len(seen)}} {{seen == sorted(seen)}}")
        """
    )
    daemon.start()
    message = '{"jsonrpc":"2.0","method":"topic","params":{"topic":{"n":%d}}}\n\n'
    daemon.write("".join(message % n for n in range(count)))
    assert daemon.hang_up() == 0, daemon.errors()
    assert daemon.log_text() == f"info {count} True"


FAILING_STARTS = """
    import asyncio, threading
    plugin = Plugin(max_threads=2, max_in_flight=60)
    handled, fails = [], False
    start = threading.Thread.start

    def start_or_not(thread):
        if fails and thread.name.startswith("clnwire-handler"):
            raise RuntimeError("can't start new thread")
        start(thread)

    threading.Thread.start = start_or_not

    @plugin.method("act", thread=True)
    def act(n: int) -> int:
        handled.append(n)
        return n

    @plugin.subscribe("topic", thread=True)
    def topic(event: dict):
        handled.append(event["n"])

    @plugin.method("fail")
    HEAD fail(now: bool) -> list[int]:
        global fails
        fails = now
        return handled
"""


@pytest.mark.promise(
    "the system cannot start a thread",
    "the handler does not run, and its caller gets an error or the hook's safe answer; a call"
    " that needs another thread to end raises `DeadlockError`",
)
@pytest.mark.parametrize("head", ["def", "async def"], ids=["blocking driver", "event loop"])
def test_a_thread_that_cannot_be_started(plugin, head):
    """What is told as failed is not done later, and nothing is counted twice."""
    daemon = plugin(FAILING_STARTS.replace("HEAD", head))
    daemon.start()
    assert daemon.call("fail", [True]) == []
    for n in range(3):
        assert "can't start new thread" in daemon.request("act", [n])["error"]["message"]
    for n in range(20):
        daemon.notify("topic", {"n": n})
    assert daemon.call("fail", [False]) == [], "what failed is not done"
    assert [daemon.call("act", [n]) for n in (10, 11)] == [10, 11]
    assert daemon.call("fail", [True]) == [10, 11]
    assert daemon.call("act", [12]) == 12, "there is a thread by now"
    assert daemon.hang_up() == 0


# Waiting for the daemon

WAITS = """
#!/usr/bin/env python3
import asyncio
from clnwire import *
from clnwire.hooks import CONTINUE, HtlcAccepted, RpcCommand

plugin = Plugin(SETTINGS)
handled = 0

@plugin.hook("rpc_command", filters=["listpeers"], thread=THREAD)
HEAD on_command(event: RpcCommand):
    return CONTINUE

@plugin.hook("htlc_accepted", thread=THREAD)
HEAD on_htlc(event: HtlcAccepted):
    CALL
    return CONTINUE

@plugin.method("ask", thread=THREAD)
HEAD ask() -> str:
    CALL
    return "asked"

@plugin.subscribe("topic", thread=THREAD)
HEAD on_topic(event: dict):
    global handled
    CALL
    handled += 1

@plugin.method("handled")
def get() -> int:
    return handled

plugin.run()
"""


def waits(path: Path, form: str, settings: str = "") -> Path:
    head, thread, call = {
        "async": ("async def", "False", "await plugin.rpc.aio.listpeers()"),
        "thread": ("def", "True", "plugin.rpc.listpeers()"),
    }[form]
    text = textwrap.dedent(WAITS).lstrip().replace("SETTINGS", settings)
    text = text.replace("HEAD", head).replace("THREAD", thread).replace("CALL", call)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("form", ["async", "thread"])
@pytest.mark.parametrize(("count", "settings"), [(16, ""), (40, "max_in_flight=3, max_threads=2")])
def test_hooks_that_call_what_comes_back_as_a_hook(
    tmp_path, run_plugin, clnwire_host, form, count, settings
):
    clnwire_host.answer("listpeers", {"peers": []})
    run_plugin(waits(tmp_path / "waits.py", form, settings))

    event = hook_sample("htlc_accepted")

    async def talk(host: Host) -> list[object]:
        return await asyncio.gather(*(host.hook("htlc_accepted", event) for _ in range(count)))

    answers = clnwire_host.run(asyncio.wait_for(talk(clnwire_host.host), 60))
    assert len(answers) == count


@pytest.mark.promise(
    "handlers that wait in `plugin.rpc` for a command that itself needs this plugin",
    "they count against neither `max_threads` nor `max_in_flight`, so the daemon's question "
    "is read and answered. This holds for 2,048 handlers and 64 MiB of queued messages",
)
def test_more_methods_that_call_than_may_be_in_flight(tmp_path, run_plugin, clnwire_host):
    clnwire_host.answer("listpeers", {"peers": []})
    run_plugin(waits(tmp_path / "waits.py", "async", "max_in_flight=100"))

    async def talk(host: Host) -> list[object]:
        return await asyncio.gather(*(host.call("ask") for _ in range(220)))

    answers = clnwire_host.run(asyncio.wait_for(talk(clnwire_host.host), 60))
    assert answers == ["asked"] * 220


@pytest.mark.parametrize("form", ["async", "thread"])
def test_more_notifications_that_call_than_may_be_in_flight(
    tmp_path, run_plugin, clnwire_host, form
):
    clnwire_host.answer("listpeers", {"peers": []})
    run_plugin(waits(tmp_path / "waits.py", form, "max_in_flight=100"))

    async def talk(host: Host) -> None:
        for n in range(150):
            host.notify("topic", {"n": n})
        while await host.call("handled") != 150:
            await asyncio.sleep(0.01)

    clnwire_host.run(asyncio.wait_for(talk(clnwire_host.host), 60))


def test_a_task_that_outlives_db_write_may_call(tmp_path, run_plugin, clnwire_host):
    """While the daemon waits for the hook it must not; once that has its answer, it may."""
    path = tmp_path / "outlives.py"
    path.write_text(
        textwrap.dedent(
            """\
            #!/usr/bin/env python3
            import asyncio
            from clnwire import *
            from clnwire.hooks import CONTINUE, DbWrite

            plugin = Plugin()
            tasks = []

            async def call():
                try:
                    await plugin.rpc.aio.listpeers()
                except DeadlockError:
                    plugin.log("too early")
                await asyncio.sleep(0.05)
                await plugin.rpc.aio.listpeers()
                plugin.log("called")

            @plugin.hook("db_write")
            async def on_write(event: DbWrite):
                tasks.append(asyncio.ensure_future(call()))
                await asyncio.sleep(0.01)
                return CONTINUE

            plugin.run()
            """
        )
    )
    path.chmod(0o755)
    clnwire_host.answer("listpeers", {"peers": []})
    run_plugin(path)

    async def talk(host: Host) -> None:
        await host.hook("db_write", {"data_version": 1, "writes": []})
        await host.wait_for_log("called")
        await host.wait_for_log("too early")

    clnwire_host.run(asyncio.wait_for(talk(clnwire_host.host), 20))
