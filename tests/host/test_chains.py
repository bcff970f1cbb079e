"""Hooks that several plugins have."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from clnwire.errors import RpcError
from clnwire.host import FatalAnswerError, Host, PluginDiedError, PluginSpec
from tests.host.raw import MakePlugin

CONTINUE = {"result": "continue"}
NAMED = """
MANIFEST["hooks"] = HOOKS
def answer(message):
    log(message["TEXT"])
    return ANSWER
"""


def plugins(make: MakePlugin, *described: tuple[str, Any, Any]) -> list[PluginSpec]:
    """Plugins by name, each with its hooks and the answer that it gives to all of them."""
    return [
        PluginSpec(make(NAMED.replace("HOOKS", repr(hooks)).replace("ANSWER", repr(answer)), name))
        for name, hooks, answer in described
    ]


def asked(host: Host, hook: str) -> list[str]:
    """Which plugins were asked, in their order."""
    return [entry.plugin for entry in host.logs if f'"method":"{hook}"' in entry.message]


def entry(name: str, **members: Any) -> list[dict[str, Any]]:
    """The manifest's `hooks` with this one."""
    return [{"name": name, **members}]


@pytest.mark.parametrize(
    ("wishes", "order"),
    [
        ({}, "abc"),
        ({"a": {"after": ["c.py"]}}, "bca"),
        ({"c": {"before": ["a.py"]}}, "bca"),
        ({"c": {"before": ["a.py", "b.py"]}, "b": {"before": ["a.py"]}}, "cba"),
        ({"a": {"before": ["unheard_of.py"]}}, "abc"),
        ({"b": {"after": ["c.py"], "before": ["a.py"]}}, "cba"),
    ],
)
def test_the_order_is_that_of_the_start_but_for_wishes(
    make: MakePlugin, wishes: dict[str, dict[str, list[str]]], order: str
) -> None:
    described = [(f"{n}.py", entry("recover", **wishes.get(n, {})), CONTINUE) for n in "abc"]

    async def run() -> None:
        async with Host() as host:
            await host.start_all(plugins(make, *described))
            assert await host.hook("recover", {}) == CONTINUE
            assert asked(host, "recover") == [f"{n}.py" for n in order]

    asyncio.run(run())


def test_a_plugin_that_comes_later_takes_its_place(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            paths = plugins(
                make,
                ("a.py", ["recover"], CONTINUE),
                ("b.py", entry("recover", before=["a.py"]), CONTINUE),
            )
            for spec in paths:
                await host.start(spec.path)
            await host.hook("recover", {})
            assert asked(host, "recover") == ["b.py", "a.py"]

    asyncio.run(run())


def test_a_cycle_is_refused_with_its_names(make: MakePlugin) -> None:
    described = [
        ("free.py", ["recover"], CONTINUE),
        ("a.py", entry("recover", before=["b.py"]), CONTINUE),
        ("b.py", entry("recover", before=["c.py"]), CONTINUE),
        ("c.py", entry("recover", before=["a.py"]), CONTINUE),
        ("last.py", entry("recover", after=["c.py"]), CONTINUE),
    ]

    async def run() -> None:
        async with Host() as host:
            started = await host.start_all(plugins(make, *described))
            assert [plugin.name for plugin in started] == ["free.py", "last.py"]
            refusals = [one for one in host.remarks if "manifest refused" in one.message]
            assert {one.plugin for one in refusals} == {"a.py", "b.py", "c.py"}
            for one in refusals:
                assert "hooks (recover): cannot be put in order: " in one.message
                assert " before " in one.message
                assert all(f"{name}.py" in one.message for name in "abc")
            assert await host.hook("recover", {}) == CONTINUE

    asyncio.run(run())


def test_a_plugin_that_wants_to_be_before_itself(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            (spec,) = plugins(make, ("a.py", entry("recover", before=["a.py"]), CONTINUE))
            assert await host.start_all([spec]) == []
            assert any("a.py before a.py" in one.message for one in host.remarks)

    asyncio.run(run())


def chained(make: MakePlugin, hook: str, answers: list[Any], event: Any) -> tuple[Any, list[Any]]:
    """The whole chain's answer, and the event that each plugin got."""

    async def run() -> tuple[Any, list[Any]]:
        async with Host() as host:
            described = [(f"{n}.py", [hook], answer) for n, answer in enumerate(answers)]
            await host.start_all(plugins(make, *described))
            answer = await host.hook(hook, event)
            events = [json.loads(line.message) for line in host.logs if hook in line.message]
            return answer, [event["params"] for event in events]

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("hook", "stop"),
    [
        ("peer_connected", {"result": "disconnect", "error_message": "no"}),
        ("openchannel", {"result": "reject"}),
        ("openchannel2", {"result": "reject"}),
        ("rbf_channel", {"result": "reject"}),
        ("htlc_accepted", {"result": "fail", "failure_message": "2002"}),
        ("htlc_accepted", {"result": "resolve", "payment_key": "ab" * 32}),
        ("invoice_payment", {"result": "reject"}),
        ("invoice_payment", {"failure_message": "2002"}),
        ("onion_message_recv", {"result": "stop"}),
        ("onion_message_recv_secret", {"anything": 1}),
    ],
)
def test_the_chain_goes_on_while_they_continue(make: MakePlugin, hook: str, stop: Any) -> None:
    answer, events = chained(make, hook, [CONTINUE, stop, CONTINUE], {"a": 1})
    assert answer == stop
    assert events == [{"a": 1}] * 2


@pytest.mark.parametrize("hook", ["custommsg", "recover", "commitment_revocation"])
def test_a_chain_that_all_continue(make: MakePlugin, hook: str) -> None:
    answer, events = chained(make, hook, [CONTINUE] * 3, {"payload": "8001"})
    assert answer == CONTINUE
    assert len(events) == 3


def test_any_answer_continues_a_revocation(make: MakePlugin) -> None:
    assert len(chained(make, "commitment_revocation", [None, {}, 5], {})[1]) == 3


def test_a_changed_onion_goes_to_the_next(make: MakePlugin) -> None:
    first = {**CONTINUE, "payload": "0102", "extra_tlvs": "00"}
    second = {**CONTINUE, "payload": "aa" * 300, "forward_to": "ab" * 32}
    event = {"onion": {"payload": "00", "type": "tlv"}, "htlc": {"id": 7}}
    answer, events = chained(make, "htlc_accepted", [first, second, CONTINUE], event)
    assert [event["onion"]["payload"] for event in events] == [
        "00",
        "020102",
        "fd012c" + "aa" * 300,
    ]
    assert [event["htlc"] for event in events] == [{"id": 7}] * 3
    assert answer == {**first, **second}


@pytest.mark.parametrize("hook", ["openchannel2_changed", "openchannel2_sign"])
def test_a_changed_psbt_goes_to_the_next(make: MakePlugin, hook: str) -> None:
    answers = [{**CONTINUE, "psbt": name} for name in ("one", "two")]
    answer, events = chained(make, hook, answers, {hook: {"psbt": "zero", "channel_id": "c"}})
    assert answer == answers[1]
    assert events == [{hook: {"psbt": psbt, "channel_id": "c"}} for psbt in ("zero", "one")]


def test_the_first_to_close_somewhere_counts(make: MakePlugin) -> None:
    answers = [{**CONTINUE, "close_to": name} for name in ("one", "two")]
    assert chained(make, "openchannel", answers, {})[0] == answers[0]


def test_a_fatal_answer_ends_the_host(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start_all(
                plugins(
                    make,
                    ("a.py", ["custommsg"], CONTINUE),
                    ("b.py", ["custommsg"], {"result": "no"}),
                    ("c.py", ["custommsg"], CONTINUE),
                )
            )
            with pytest.raises(FatalAnswerError) as caught:
                await host.hook("custommsg", {"payload": "8001"})
            assert caught.value.plugin == "b.py"
            assert asked(host, "custommsg") == ["a.py", "b.py"]
            stopped = await host.wait_stopped()
            assert stopped.failed
            assert "plugin 'b.py', hook custommsg" in stopped.reason

    asyncio.run(run())


def test_a_filter_keeps_one_plugin_out(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start_all(
                plugins(
                    make,
                    ("a.py", entry("custommsg", filters=[1]), CONTINUE),
                    ("b.py", entry("custommsg", filters=[2]), CONTINUE),
                    ("c.py", ["custommsg"], CONTINUE),
                )
            )
            await host.hook("custommsg", {"payload": "0002aa"})
            assert asked(host, "custommsg") == ["b.py", "c.py"]

    asyncio.run(run())


def test_a_plugin_that_dies_lets_the_chain_go_on(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            dying = 'MANIFEST["hooks"] = ["recover"]\ndef answer(message):\n    sys.exit(1)'
            await host.start(make(dying, "dying.py"))
            (spec,) = plugins(make, ("b.py", ["recover"], CONTINUE))
            await host.start(spec.path)
            assert await host.hook("recover", {}) == CONTINUE
            assert await host.hook("recover", {}) == CONTINUE
            assert asked(host, "recover") == ["b.py", "b.py"]

    asyncio.run(run())


SLOW_WRITE = """
MANIFEST["hooks"] = ["db_write"]
def answer(message):
    if message["params"]["writes"] == ["SLOW"]:
        log("writing")
        while not os.path.exists("go"):
            time.sleep(0.01)
    return {"result": "continue"}
"""


def test_db_write_goes_to_all_at_once(make: MakePlugin) -> None:
    """Each waits for the other: one after the other they would never end."""
    body = """
    MANIFEST["hooks"] = ["db_write"]
    def answer(message):
        mine, other = ("a", "b") if sys.argv[0].endswith("a.py") else ("b", "a")
        open(mine, "w").close()
        while not os.path.exists(other):
            time.sleep(0.01)
        return {"result": "continue"}
    """

    async def run() -> None:
        async with Host(hook_timeout=10) as host:
            specs = [PluginSpec(make(body, name)) for name in ("a.py", "b.py")]
            await host.start_all(specs, migrations=[])
            assert await host.db_write(["x"]) == 1

    asyncio.run(run())


@pytest.mark.parametrize("by_name", [False, True])
def test_nothing_is_served_beside_db_write(make: MakePlugin, *, by_name: bool) -> None:
    order: list[str] = []

    async def run() -> None:
        async with Host() as host:
            await host.start(make(SLOW_WRITE, "writer.py"), migrations=[])
            methods = 'MANIFEST["rpcmethods"] = [{"name": "m", "usage": ""}]\n'
            await host.start(make(methods + 'MANIFEST["hooks"] = ["recover"]', "other.py"))

            async def noted(name: str, waiting: Any) -> None:
                await waiting
                order.append(name)

            event = {"data_version": 1, "writes": ["SLOW"]}
            writing = host.hook("db_write", event) if by_name else host.db_write(["SLOW"])
            write = asyncio.ensure_future(noted("write", writing))
            await host.wait_for_log("writing")
            others = [
                asyncio.ensure_future(noted("call", host.call("m"))),
                asyncio.ensure_future(noted("own", host.call("getinfo"))),
                asyncio.ensure_future(noted("hook", host.hook("recover", {}))),
            ]
            for _ in range(20):
                await asyncio.sleep(0)
            assert host.plugins[1].pending == ()
            assert order == []
            (host.rpc_path.parent / "go").touch()
            await asyncio.gather(write, *others)
            assert order[0] == "write"
            assert sorted(order[1:]) == ["call", "hook", "own"]

    asyncio.run(run())


def test_a_writer_that_dies_ends_the_host(make: MakePlugin) -> None:
    body = 'MANIFEST["hooks"] = ["db_write"]\ndef answer(message):\n    sys.exit(1)'

    async def run() -> None:
        async with Host() as host:
            await host.start(make(body), migrations=[])
            with pytest.raises(PluginDiedError):
                await host.db_write(["x"])
            stopped = await host.wait_stopped()
            assert stopped.failed
            assert "db_write" in stopped.reason

    asyncio.run(run())


def test_rpc_command_is_a_chain_around_every_command(make: MakePlugin) -> None:
    returned = {"return": {"result": {"by": "b"}}}

    async def run() -> None:
        async with Host() as host:
            await host.start_all(
                plugins(
                    make,
                    ("a.py", ["rpc_command"], CONTINUE),
                    ("b.py", entry("rpc_command", filters=["getinfo", "listpeers"]), returned),
                    ("c.py", ["rpc_command"], {"odd": 1}),
                )
            )
            assert await host.call("getinfo") == {"by": "b"}
            assert await host.call("listpeers") == {"by": "b"}
            assert asked(host, "rpc_command") == ["a.py", "b.py", "c.py"] * 2
            assert "help" in await host.call("help")
            assert asked(host, "rpc_command")[6:] == ["a.py", "c.py"]
            assert 'no "continue"' in host.remarks[-1].message
            with pytest.raises(RpcError, match="Unknown command 'other'"):
                await host.call("other")

    asyncio.run(run())


@pytest.mark.parametrize("second", [{"return": {"error": {"code": 1, "message": "no"}}}, "replace"])
def test_two_plugins_that_decide_one_command_end_the_host(
    make: MakePlugin, second: dict[str, Any] | str
) -> None:
    first = {"return": {"result": {"by": "a"}}}
    if second == "replace":
        call: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "help", "params": {}}
        second = {"replace": call}

    async def run() -> None:
        async with Host() as host:
            hook = entry("rpc_command", filters=["getinfo"])
            await host.start_all(plugins(make, ("a.py", hook, first), ("b.py", hook, second)))
            with pytest.raises(RpcError, match="already replaced or answered this command"):
                await host.call("getinfo")
            assert (await host.wait_stopped()).failed

    asyncio.run(run())


def test_rpc_command_of_a_dying_plugin_lets_the_command_go_on(make: MakePlugin) -> None:
    body = 'MANIFEST["hooks"] = ["rpc_command"]\ndef answer(message):\n    sys.exit(1)'

    async def run() -> None:
        async with Host() as host:
            await host.start(make(body))
            assert (await host.call("getinfo"))["network"] == "regtest"

    asyncio.run(run())
