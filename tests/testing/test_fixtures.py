"""The fixtures and their helpers, with a real process and with the `Plugin` object itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clnwire import NotReadyError, Plugin, RpcError, UsageError
from clnwire.hooks import CONTINUE, DbWrite, PeerConnected, PeerDisconnect, Refuse
from clnwire.host import Delivery, FatalAnswerError, HostError, PluginDiedError
from clnwire.notifications import Connect, Disconnect, PayPartEnd
from clnwire.testing import NEVER, BlockingHost, RunningPlugin, RunPlugin, sample
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
    assert "← author.py  result" in text, "the messages"
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
    with pytest.raises(TimeoutError, match=r"(?s)'slow' was not answered within 0.05 s.*→ auth"):
        plugin.call("slow", timeout=0.05)


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
