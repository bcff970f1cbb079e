"""The fixtures and their helpers, with a real process and with the `Plugin` object itself."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clnwire import Notification, NotReadyError, Plugin, RpcError, UsageError
from clnwire.hooks import CONTINUE, DbWrite, HtlcAccepted, PeerConnected, PeerDisconnect, Refuse
from clnwire.host import Delivery, FatalAnswerError, HostError, PluginDiedError
from clnwire.notifications import Connect, Disconnect, PayPartEnd
from clnwire.testing import (
    NEVER,
    BlockingHost,
    RunningPlugin,
    RunPlugin,
    RunPluginAsync,
    sample,
)
from tests.testing import author

Start = Callable[..., RunningPlugin]


@pytest.fixture(params=["process", "object"])
def start(request: pytest.FixtureRequest, run_plugin: RunPlugin) -> Start:
    """The author's plugin, in both ways."""
    what = Path(author.__file__) if request.param == "process" else author.plugin

    def start(options: dict[str, object] | None = None) -> RunningPlugin:
        return run_plugin(what, options)

    return start


def test_methods_and_options(start: Start) -> None:
    plugin = start({"greeting": "Hi"})
    assert plugin.name == "author.py"
    assert plugin.call("hello") == "Hello Hi"
    assert plugin.call("hello", {"name": "Rusty"}) == "Hello Rusty"
    assert plugin.call("later") == "now"
    with pytest.raises(RpcError, match="takes at most 1 parameter, 3 were given"):
        plugin.call("hello", [1, 2, 3])
    assert "hello" in plugin.manifest.methods


def test_hooks_answer_with_structs(start: Start) -> None:
    plugin = start()
    assert plugin.hook(PeerConnected) == CONTINUE
    assert plugin.hook("peer_connected") == CONTINUE
    outgoing = sample(PeerConnected, peer={"direction": "out"})
    refusal = PeerDisconnect(error_message="not today")
    assert plugin.hook(outgoing) == refusal
    assert plugin.hook("peer_connected", outgoing) == refusal
    with pytest.raises(UsageError, match="payload goes with the name"):
        plugin.hook(outgoing, {})
    with pytest.raises(HostError, match="has not registered the hook 'recover'"):
        plugin.hook("recover")


def test_notifications_and_what_is_published(start: Start) -> None:
    plugin = start()
    event = sample(Connect, id="03" + "ab" * 32)
    plugin.notify(event)
    assert plugin.wait_for_topic("news") == {"peer": event.id}
    assert [entry.payload for entry in plugin.published] == [{"peer": event.id}]
    plugin.notify(PayPartEnd)
    plugin.notify(sample(PayPartEnd, status="failure"))
    plugin.wait_for_log("part success", level="info")
    plugin.wait_for_log("part failure")
    with pytest.raises(UsageError, match="has subscribed to 'disconnect'"):
        plugin.notify(Disconnect)
    with pytest.raises(UsageError, match="no sample for the topic 'mine'"):
        plugin.notify("mine")


def test_logs(start: Start) -> None:
    plugin = start()
    plugin.call("hello", ["me"])
    entry = plugin.wait_for_log("hello me", level="debug")
    assert (entry.plugin, entry.level) == (plugin.name, "debug")
    assert "debug hello me" in plugin.log_text()
    with pytest.raises(TimeoutError) as raised:
        plugin.wait_for_log("hello me", level="broken", timeout=0.05)
    text = str(raised.value)
    assert "'author.py' logged nothing with 'hello me' at level 'broken' within 0.05 s" in text
    assert "debug hello me" in text, "what came instead"
    assert "← author.py" not in text, "pytest's report shows the messages"
    with pytest.raises(TimeoutError, match=r"published nothing on 'news' within .*\n\(nothing\)"):
        plugin.wait_for_topic("news", timeout=0.05)


def test_what_the_plugin_calls(start: Start, clnwire_host: BlockingHost) -> None:
    clnwire_host.answer("listfunds", {"outputs": [{"amount_msat": 3}, {"amount_msat": 4}]})
    plugin = start()
    assert plugin.call("balance") == 7
    plugin.wait_for_log("asking for funds", level="warn")
    clnwire_host.answer("pay", lambda params: {"status": params["bolt11"]})
    assert plugin.call("pay-it", ["lnbc1"]) == "lnbc1"
    assert clnwire_host.wait_for_call("pay") == {"bolt11": "lnbc1"}
    assert [call.method for call in clnwire_host.calls] == ["listfunds", "pay"]
    seen = clnwire_host.run(clnwire_host.host.wait_for_call("listfunds"))
    assert (seen.params, str(seen.id).startswith("cln:balance#")) == ({}, True)
    clnwire_host.answer("pay", RpcError(210, "no route"))
    with pytest.raises(RpcError, match="could not pay: no route"):
        plugin.call("pay-it", ["lnbc2"])
    with pytest.raises(TimeoutError, match=r"(?s)nobody called 'offer'.*pay \{'bolt11': 'lnbc2'\}"):
        clnwire_host.wait_for_call("offer", timeout=0.05)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [(NEVER, "0.2 s"), (Delivery({}, hang_up_after=3), "hung up before it answered")],
    ids=["never", "cut off"],
)
def test_a_daemon_that_fails(start: Start, clnwire_host: BlockingHost, answer, problem) -> None:
    clnwire_host.answer("pay", answer)
    plugin = start()
    with pytest.raises(RpcError) as raised:
        plugin.call("pay-it", ["lnbc1"])
    assert problem in raised.value.message


def test_the_daemon_hangs_up(start: Start, clnwire_host: BlockingHost) -> None:
    clnwire_host.answer("pay", NEVER)
    plugin = start()
    with pytest.raises(RpcError, match="hung up before it answered"):
        clnwire_host.run(_pay_while_hanging_up(clnwire_host))
    clnwire_host.answer("listfunds", {"outputs": []})
    assert plugin.call("balance") == 0


async def _pay_while_hanging_up(host: BlockingHost) -> Any:
    import asyncio

    paying = asyncio.ensure_future(host.host.call("pay-it", ["lnbc1"]))
    while not host.calls:
        await asyncio.sleep(0.001)
    host.host.hang_up()
    return await paying


def test_time_runs_out(start: Start) -> None:
    plugin = start()
    with pytest.raises(TimeoutError, match=r"^'slow' was not answered within 0\.05 s$"):
        plugin.call("slow", timeout=0.05)


def test_without_a_report_errors_show_the_messages() -> None:
    with BlockingHost() as host, pytest.raises(TimeoutError) as raised:
        host.start(author.plugin).call("slow", timeout=0.05)
    first, head, *messages = str(raised.value).splitlines()
    assert (first, head) == ("'slow' was not answered within 0.05 s", "The last messages:")
    assert '→ author.py  slow "cln:slow#3"' in messages[-1]


def test_the_connection_is_cut(start: Start) -> None:
    plugin = start()
    assert plugin.returncode is None
    assert plugin.hang_up() == 0
    assert plugin.returncode == 0
    with pytest.raises(RpcError, match="exited with status 0"):
        plugin.call("hello")


def test_the_plugin_is_killed(start: Start) -> None:
    plugin = start()
    plugin.kill()
    assert plugin.returncode == -9
    # It can be started anew, in the same process as well.
    assert start().call("hello") == "Hello World"


def test_the_plugin_ends_by_itself(start: Start) -> None:
    plugin = start()
    with pytest.raises(RpcError, match="SystemExit"):
        plugin.call("leave")
    assert plugin.wait_ended() == 3


def test_an_end_that_nobody_expected(start: Start, clnwire_host: BlockingHost) -> None:
    plugin = start()
    with pytest.raises(RpcError):
        plugin.call("leave")
    (problem,) = clnwire_host.close()
    assert problem == "plugin 'author.py' exited with status 3"


def test_in_process_only_one_at_a_time(run_plugin: RunPlugin) -> None:
    run_plugin(author.plugin)
    with BlockingHost(patience=20) as other, pytest.raises(HostError, match="still runs in this"):
        other.start(author.plugin)


def test_in_process_it_is_the_tests_own(run_plugin: RunPlugin) -> None:
    seen: list[object] = []
    one, two = Plugin(), Plugin()

    @one.method("one")
    def _(value: int) -> None:
        seen.append(value)

    @two.method("two")
    def _() -> int:
        two.log("two speaks")
        return os.getpid()

    first, second = run_plugin(one), run_plugin(two)
    first.call("one", [7])
    assert seen == [7]
    assert second.call("two") == os.getpid() == second.pid
    assert (first.name, second.name) == ("test_fixtures.py", "test_fixtures.py-2")
    assert second.wait_for_log("two speaks")
    assert first.logs == []


def test_in_process_nothing_of_a_process(run_plugin: RunPlugin) -> None:
    with pytest.raises(HostError, match="no arguments, env or stderr of its own"):
        run_plugin(Plugin(), env={"A": "b"})


def test_in_process_options_are_as_new_each_time() -> None:
    plugin = Plugin()
    level = plugin.option("level", 1)
    plugin.method("level")(lambda: level.value)
    for value in (5, 6):
        with BlockingHost() as host:
            assert host.start(plugin, {"level": value}).call("level") == value
        with pytest.raises(UsageError, match="no value before init"):
            _ = level.value
    with pytest.raises(NotReadyError):
        _ = plugin.configuration


def test_in_process_mixed_db_write_is_refused(run_plugin: RunPlugin, capfd) -> None:
    plugin = Plugin()
    plugin.method("other")(lambda: None)
    plugin.hook("db_write")(lambda event: CONTINUE)
    with pytest.raises(PluginDiedError, match="exited with status 1"):
        run_plugin(plugin)
    assert "db_write must be alone" in capfd.readouterr().err


@pytest.mark.parametrize("clnwire_settings", [{}, {"dialect": "2019"}], ids=["current", "2019"])
def test_db_write(run_plugin: RunPlugin, clnwire_settings: dict[str, Any]) -> None:
    plugin = Plugin()
    versions: list[int | None] = []

    @plugin.hook("db_write")
    def on_write(event: DbWrite):
        versions.append(event.data_version)
        return Refuse("no") if "DROP" in event.writes[0] else CONTINUE

    running = run_plugin(plugin, migrations=[["CREATE TABLE t (a)"]])
    assert running.db_write(["INSERT INTO t VALUES (1)"]) == 2
    assert running.hook(DbWrite) == CONTINUE
    if not clnwire_settings:
        assert running.hook(sample(DbWrite, writes=["x"], data_version=9)) == CONTINUE
    # In 2019 there were no versions.
    assert versions == ([None] * len(versions) if clnwire_settings else [1, 2, 3, 9])
    with pytest.raises(FatalAnswerError):
        running.hook(sample(DbWrite, writes=["DROP TABLE t"]))


def test_a_restarted_plugin_has_journals_of_its_own(start: Start) -> None:
    first = start()
    for _ in range(2):
        first.notify(Connect)
        assert first.wait_for_topic("news")["peer"].startswith("02")
    first.call("hello", ["first"])
    first.wait_for_log("hello first")
    first.hang_up()
    second = start()
    assert (second.logs, second.published, second.calls) == ([], [], [])
    with pytest.raises(TimeoutError, match="published nothing on 'news'"):
        second.wait_for_topic("news", timeout=0.05)
    second.call("hello", ["second"])
    assert second.wait_for_log("hello").message == "hello second"
    assert "second" not in first.log_text()


def test_a_wait_returns_each_entry_once(start: Start, clnwire_host: BlockingHost) -> None:
    clnwire_host.answer("pay", {"status": "complete"})
    plugin = start()
    for invoice in ("lnbc1", "lnbc2"):
        plugin.call("pay-it", [invoice])
    assert [plugin.wait_for_call("pay")["bolt11"] for _ in range(2)] == ["lnbc1", "lnbc2"]
    assert clnwire_host.wait_for_call("pay") == {"bolt11": "lnbc1"}
    with pytest.raises(TimeoutError, match=r"'pay' within 0\.05 s after the 2 that earlier waits"):
        plugin.wait_for_call("pay", timeout=0.05)
    assert [call.params["bolt11"] for call in plugin.calls] == ["lnbc1", "lnbc2"]
    plugin.hang_up()
    assert start().calls == []


def test_waits_end_with_the_plugin(start: Start, clnwire_host: BlockingHost) -> None:
    plugin, other = start(), Plugin()
    other.method("other")(lambda: None)
    plugin.start_call("leave")
    with pytest.raises(PluginDiedError, match=r"'author\.py' exited with status 3"):
        plugin.wait_for_call("pay", timeout=60)
    for wait in (plugin.wait_for_call, plugin.wait_for_log, plugin.wait_for_topic):
        with pytest.raises(PluginDiedError, match="exited with status 3"):
            wait("never", timeout=60)
    with pytest.raises(PluginDiedError, match="exited with status 3"):
        clnwire_host.wait_for_call("pay", timeout=60)
    plugin.wait_ended()
    clnwire_host.start(other)
    with pytest.raises(TimeoutError):
        clnwire_host.wait_for_call("pay", timeout=0.05)


def test_an_error_shows_the_end_of_stderr(run_plugin: RunPlugin, tmp_path: Path, capfd) -> None:
    path = tmp_path / "noisy.py"
    path.write_text(
        "import os, sys\n"
        "from clnwire import Plugin\n"
        "plugin = Plugin()\n"
        "@plugin.method('crash')\n"
        "def crash():\n"
        "    print('the disk is \\x1b[31mfull', file=sys.stderr, flush=True)\n"
        "    os._exit(5)\n"
        "plugin.run()\n"
    )
    plugin = run_plugin(path)
    plugin.start_call("crash")
    with pytest.raises(PluginDiedError) as raised:
        plugin.wait_for_call("pay")
    assert str(raised.value).startswith("plugin 'noisy.py' exited with status 5")
    assert "\nThe end of its stderr:\nthe disk is \\x1b[31mfull" in str(raised.value)
    assert plugin.wait_ended() == 5
    assert "the disk is \x1b[31mfull\n" in capfd.readouterr().err, "passed on as it came"


def test_pending_calls(run_plugin: RunPlugin) -> None:
    gate = Plugin()
    opened = threading.Event()

    @gate.hook("htlc_accepted")
    async def hold(event: HtlcAccepted):
        while not opened.is_set():
            await asyncio.sleep(0.001)
        return CONTINUE

    @gate.method("open")
    def let_through(door: str) -> str:
        opened.set()
        return door

    running = run_plugin(gate)
    held = running.start_hook(HtlcAccepted)
    with pytest.raises(TimeoutError, match=r"htlc_accepted was not answered within 0\.05 s"):
        held.result(0.05)
    assert not held.done()
    assert running.start_call("open", ["front"]).result(10) == "front"
    assert held.result() == CONTINUE
    assert held.done()
    with pytest.raises(RpcError):
        running.start_call("open").result()
    with pytest.raises(UsageError, match="no sample"):
        running.start_hook("no_such_hook")
    given_up = running.start_call("open", ["back"])
    running.start_call("open").cancel()
    given_up.result()
    given_up.cancel()
    assert given_up.result() == "back", "too late to give it up"


def test_a_pending_call_at_the_end() -> None:
    plugin = Plugin()
    plugin.method("hold")(asyncio.Event().wait)
    with BlockingHost() as host:
        running = host.start(plugin)
        held, given_up = host.start_call("hold"), host.start_call("hold")
        given_up.cancel()
        with pytest.raises(UsageError, match="'hold' was not answered: it was cancelled"):
            given_up.result()
        running.kill()
        with pytest.raises(RpcError, match="killed by the test"):
            held.result()
        host.answer("never", NEVER)
        never = host.start_call("never")
    with pytest.raises(UsageError, match=r"'never' was not answered: .*the host is closed"):
        never.result()
    for late in (host.start_call, host.start_hook, host.wait_for_call):
        with pytest.raises(UsageError, match="the host is closed"):
            late("peer_connected")


def test_a_notification_names_its_publisher(run_plugin: RunPlugin) -> None:
    plugin = Plugin()
    origins: list[str | None] = []

    @plugin.subscribe("mine")
    def on_mine(payload: object, about: Notification) -> None:
        origins.append(about.origin)

    running = run_plugin(plugin)
    running.notify("mine", {}, origin="other.py")
    running.notify("mine", {})
    running.hang_up()
    assert origins == ["other.py", "clnwire"]


def test_with_an_event_loop_of_the_tests_own(run_plugin_async: RunPluginAsync) -> None:
    async def run() -> None:
        plugin = await run_plugin_async(Path(author.__file__), {"greeting": "Hi"})
        plugin.running.host.answer("pay", {"status": "complete"})
        names = [f"n{number}" for number in range(40)]
        answers = await asyncio.gather(*(plugin.call("hello", [name]) for name in names))
        assert answers == [f"Hello {name}" for name in names]
        seen = [(await plugin.wait_for_log("hello n")).message for _ in names]
        assert seen == [f"hello {name}" for name in names], "in the order of their first step"
        assert await plugin.hook(PeerConnected) == CONTINUE
        assert await plugin.running.start_call("later") == "now"
        await plugin.notify(Connect)
        assert (await plugin.wait_for_topic("news"))["peer"].startswith("02")
        paid, params = await asyncio.gather(
            plugin.call("pay-it", ["lnbc1"]), plugin.wait_for_call("pay")
        )
        assert (paid, params) == ("complete", {"bolt11": "lnbc1"})
        with pytest.raises(TimeoutError, match=r"'slow' was not answered within 0\.05 s"):
            await plugin.call("slow", timeout=0.05)
        with pytest.raises(RpcError, match="SystemExit"):
            await plugin.call("leave")
        assert await plugin.wait_ended() == 3
        with pytest.raises(PluginDiedError):
            await plugin.wait_for_log("never")

    asyncio.run(run())
