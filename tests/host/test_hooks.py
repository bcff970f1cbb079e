"""Hooks: what the daemon makes of the answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from clnwire.host import FatalAnswerError, Host, HostError, PluginDiedError
from tests.host.raw import MakePlugin

ALL_HOOKS = """
MANIFEST["hooks"] = [
    "commitment_revocation", "custommsg", "htlc_accepted", "invoice_payment",
    "onion_message_recv", "onion_message_recv_secret", "openchannel", "openchannel2",
    "openchannel2_changed", "openchannel2_sign", "peer_connected", "rbf_channel", "recover",
    "rpc_command", "db_write",
]
def answer(message):
    return message["params"].get("give", {"result": "continue"})
"""
KEY = "ab" * 32


def asked(make: MakePlugin, hook: str, answers: list[Any]) -> list[Any]:
    """What becomes of each answer: what `hook` gives, or the error's reason."""

    async def run() -> list[Any]:
        async with Host() as host:
            await host.start(make(ALL_HOOKS))
            return [await judged(host, hook, answer) for answer in answers]

    return asyncio.run(run())


async def judged(host: Host, hook: str, answer: Any) -> Any:
    try:
        return await host.hook(hook, {"give": answer})
    except FatalAnswerError as error:
        return error


ACCEPTED: dict[str, list[Any]] = {
    "db_write": [{"result": "continue"}],
    "custommsg": [{"result": "continue"}],
    "recover": [{"result": "continue"}],
    "peer_connected": [
        {"result": "continue"},
        {"result": "disconnect", "error_message": "no"},
    ],
    "openchannel": [
        {"result": "continue", "close_to": "bcrt1q", "mindepth": 0, "reserve": "546sat"},
        {"result": "reject", "error_message": "no"},
    ],
    "openchannel2": [
        {"result": "continue", "psbt": "cHNi", "our_funding_msat": 2**64 - 1, "close_to": "b"},
        {"result": "reject"},
    ],
    "openchannel2_changed": [{"result": "continue", "psbt": "cHNi"}],
    "openchannel2_sign": [{"result": "continue", "psbt": "cHNi"}],
    "rbf_channel": [{"result": "continue", "our_funding_msat": "5msat"}, {"result": "reject"}],
    "htlc_accepted": [
        {"result": "continue", "payload": "00aa", "forward_to": KEY, "extra_tlvs": ""},
        {"result": "continue", "invoice_msat": 1},
        {"result": "fail", "failure_message": "2002"},
        {"result": "fail", "failure_onion": "aa"},
        {"result": "resolve", "payment_key": KEY},
    ],
    "invoice_payment": [
        {"result": "continue"},
        {"result": "reject"},
        {"failure_message": "2002"},
    ],
    "commitment_revocation": [{}, True, None, {"result": "whatever"}],
    "onion_message_recv": [{"result": "continue"}, {"result": "stop"}],
    "onion_message_recv_secret": [{"result": "continue"}, "stop"],
    "rpc_command": [
        {"result": "continue"},
        {"return": {"result": {}}},
        {"replace": {"jsonrpc": "2.0", "id": 1, "method": "m", "params": {}}},
    ],
}

FATAL: dict[str, list[tuple[Any, str]]] = {
    "db_write": [
        (True, "an answer is an object, not true"),
        ({"result": "no"}, '"result" must be "continue"'),
        ({}, '"result" must be "continue"'),
        ({"result": ["continue"]}, '"result" must be'),
    ],
    "custommsg": [({"result": "stop"}, '"result" must be "continue"')],
    "recover": [([], "an answer is an object")],
    "peer_connected": [
        ({"result": "reject"}, '"result" must be "continue" or "disconnect"'),
        ({"result": "disconnect"}, '"error_message" is missing'),
        ({"result": "disconnect", "error_message": 1}, '"error_message" does not fit'),
    ],
    "openchannel": [
        ({"result": "reject", "close_to": "b"}, '"close_to" is not allowed here'),
        ({"result": "continue", "mindepth": -1}, '"mindepth" does not fit'),
        ({"result": "continue", "mindepth": 2**32}, '"mindepth" does not fit'),
    ],
    "openchannel2": [
        ({"result": "continue", "our_funding_msat": 2**64}, "does not fit"),
        ({"result": "continue", "psbt": "x"}, '"our_funding_msat" is missing'),
        ({"result": "continue", "psbt": "x", "our_funding_msat": 0}, '"our_funding_msat" is'),
        ({"result": "reject", "psbt": "x"}, '"psbt" is not allowed here'),
    ],
    "openchannel2_changed": [({"result": "continue"}, '"psbt" is missing')],
    "openchannel2_sign": [({"result": "continue"}, '"psbt" is missing')],
    "rbf_channel": [
        ({"result": "continue", "psbt": 5, "our_funding_msat": 1}, '"psbt" does not fit'),
        ({"result": "continue", "psbt": "x"}, '"our_funding_msat" is missing'),
        ({"result": "reject", "our_funding_msat": 1}, '"our_funding_msat" is not allowed here'),
    ],
    "htlc_accepted": [
        ({"result": "fail"}, '"failure_message" or "failure_onion" is missing'),
        ({"result": "fail", "failure_message": "xyz"}, '"failure_message" does not fit'),
        ({"result": "resolve"}, '"payment_key" is missing'),
        ({"result": "resolve", "payment_key": "ab"}, '"payment_key" does not fit'),
        ({"result": "continue", "payload": "0 0"}, '"payload" does not fit'),
        ({"result": "continue", "payload": "00"}, '"payload" does not fit'),
    ],
    "invoice_payment": [
        ({}, '"failure_message" is missing'),
        ({"result": "maybe"}, '"result" must be "continue" or "reject"'),
    ],
}


@pytest.mark.parametrize("hook", sorted(ACCEPTED))
def test_answers_that_the_daemon_accepts(make: MakePlugin, hook: str) -> None:
    assert asked(make, hook, ACCEPTED[hook]) == ACCEPTED[hook]


@pytest.mark.parametrize("hook", sorted(FATAL))
def test_answers_at_which_the_daemon_stops(make: MakePlugin, hook: str) -> None:
    errors = asked(make, hook, [answer for answer, _ in FATAL[hook]])
    for error, (answer, reason) in zip(errors, FATAL[hook], strict=True):
        assert isinstance(error, FatalAnswerError), answer
        assert (error.plugin, error.hook) == ("plugin.py", hook)
        assert reason in error.reason
        assert str(error).startswith("the daemon would have stopped: plugin 'plugin.py', hook")


@pytest.mark.parametrize(
    ("answer", "remark"),
    [
        ({"what": 1}, 'no "continue", "replace" or "return"'),
        ("continue", "is not an object"),
        ({"replace": {"method": "m"}}, '"replace" must be a request, "jsonrpc" is missing'),
        ({"return": {}}, '"return" must have "result" or "error"'),
    ],
)
def test_rpc_command_survives_a_bad_answer(make: MakePlugin, answer: Any, remark: str) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start(make(ALL_HOOKS))
            assert await host.hook("rpc_command", {"give": answer}) == answer
            assert remark in host.remarks[-1].message

    asyncio.run(run())


def with_reply(make: MakePlugin, reply: str) -> Any:
    """The outcome of a hook whose whole reply is given."""
    body = ALL_HOOKS + (
        "def handle(message, handle=handle):\n"
        '    if message["method"] != "recover":\n'
        "        return handle(message)\n"
        f'    say({reply!r}.replace("ID", json.dumps(message["id"])))\n'
    )

    async def run() -> Any:
        async with Host() as host:
            await host.start(make(body))
            return await judged(host, "recover", None)

    return asyncio.run(run())


def test_an_error_is_no_answer(make: MakePlugin) -> None:
    error = with_reply(make, '{"jsonrpc":"2.0","id":ID,"error":{"code":-1,"message":"m"}}')
    assert 'an error is not an answer to a hook: {"code":-1,"message":"m"}' in str(error)


def test_an_error_of_code_4_means_that_the_plugin_died(make: MakePlugin) -> None:
    reply = '{"jsonrpc":"2.0","id":ID,"error":{"code":-4,"message":"m"}}'
    assert with_reply(make, reply) == {"result": "continue"}


def test_a_reply_without_anything(make: MakePlugin) -> None:
    error = with_reply(make, '{"jsonrpc":"2.0","id":ID}')
    assert "neither result nor error" in str(error)


def test_an_answer_that_python_cannot_hold(make: MakePlugin) -> None:
    error = with_reply(make, '{"jsonrpc":"2.0","id":ID,"result":"\\ud800"}')
    assert isinstance(error, FatalAnswerError)
    assert r"\ud800" in error.reason


def test_a_plugin_that_exits_in_the_middle_of_a_hook(make: MakePlugin) -> None:
    body = ALL_HOOKS + "def answer(message):\n    sys.exit(7)"

    async def run() -> None:
        async with Host() as host:
            await host.start(make(body), migrations=[])
            with pytest.raises(PluginDiedError, match="exited with status 7") as caught:
                await host.hook("recover", {})
            assert caught.value.pending == ('"cln:recover#3"',)
            with pytest.raises(PluginDiedError, match="exited with status 7"):
                await host.hook("recover", {})

    asyncio.run(run())


def test_a_hook_that_is_never_answered(make: MakePlugin) -> None:
    body = ALL_HOOKS + "def answer(message):\n    time.sleep(60)"

    async def run() -> None:
        async with Host(shutdown_timeout=0.1) as host:
            await host.start(make(body), migrations=[])
            with pytest.raises(TimeoutError, match=r"hook recover was not answered within 0.1 s"):
                await host.hook("recover", {}, timeout=0.1)

    asyncio.run(run())


def test_a_hook_that_the_plugin_has_not_got(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            with pytest.raises(HostError, match="no plugin has been started"):
                await host.hook("recover", {})
            await host.start(make('MANIFEST["hooks"] = ["htlc_accepted"]'))
            with pytest.raises(HostError, match="did you mean 'htlc_accepted'"):
                await host.hook("htlc_acepted", {})

    asyncio.run(run())


ECHO = 'MANIFEST["hooks"] = ["commitment_revocation"]\ndef answer(m):\n    return m["TEXT"]'


def test_the_event_is_sent_as_it_is_given(make: MakePlugin) -> None:
    async def run() -> list[str]:
        async with Host() as host:
            await host.start(make(ECHO))
            payloads = [{"a": [1, "ö"]}, b'{"a" :1}', msgspec.Raw(b'{"b" :2}')]
            return [await host.hook("commitment_revocation", payload) for payload in payloads]

    frame = '{"jsonrpc":"2.0","id":"cln:commitment_revocation#%d","method":'
    frame += '"commitment_revocation","params":%s}'
    assert asyncio.run(run()) == [
        frame % (3, '{"a":[1,"ö"]}'),
        frame % (4, '{"a" :1}'),
        frame % (5, '{"b" :2}'),
    ]


def test_filters_leave_events_out(make: MakePlugin) -> None:
    body = """
    MANIFEST["hooks"] = [
        {"name": "custommsg", "filters": [32769]}, {"name": "rpc_command", "filters": ["pay"]},
    ]
    asked = 0
    def answer(message):
        global asked
        asked += 1
        return {"result": "continue", "asked": asked}
    """

    async def run() -> None:
        async with Host() as host:
            await host.start(make(body))
            other = await host.hook("custommsg", {"peer_id": "02", "payload": "8003aa"})
            assert other == {"result": "continue"}
            wanted = await host.hook("custommsg", {"peer_id": "02", "payload": "8001aa"})
            assert wanted["asked"] == 1
            assert await host.hook("rpc_command", {"rpc_command": {"method": "x"}}) == other
            pay = json.dumps({"rpc_command": {"method": "pay"}}).encode()
            assert (await host.hook("rpc_command", pay))["asked"] == 2
            odd = rb'{"rpc_command":{"method":"pay","params":["\ud800"]}}'
            assert (await host.hook("rpc_command", odd))["asked"] == 3

    asyncio.run(run())


def test_db_write_counts_versions(make: MakePlugin) -> None:
    body = """
    MANIFEST["hooks"] = ["db_write"]
    def answer(message):
        log(json.dumps(message["params"]))
        return {"result": "continue"}
    """

    async def run() -> list[Any]:
        async with Host() as host:
            await host.start(make(body))
            assert host.data_version == 1
            assert await host.db_write(["A", "B"]) == 2
            assert await host.db_write([]) == 3
            assert await host.db_write(["again"], data_version=3) == 3
            assert await host.db_write(["far"], data_version=2**32 - 1) == 2**32 - 1
            assert await host.db_write(["wrapped"]) == 0
            return [json.loads(entry.message) for entry in host.logs[1:]]

    assert asyncio.run(run()) == [
        {"data_version": 2, "writes": ["A", "B"]},
        {"data_version": 3, "writes": []},
        {"data_version": 3, "writes": ["again"]},
        {"data_version": 2**32 - 1, "writes": ["far"]},
        {"data_version": 0, "writes": ["wrapped"]},
    ]


def test_db_write_is_one_at_a_time(make: MakePlugin) -> None:
    body = 'MANIFEST["hooks"] = ["db_write"]'

    async def run() -> list[int]:
        async with Host() as host:
            await host.start(make(body))
            return await asyncio.gather(*[host.db_write([str(n)]) for n in range(100)])

    assert asyncio.run(run()) == list(range(2, 102))


def test_large_events_both_ways(make: MakePlugin) -> None:
    body = 'MANIFEST["hooks"] = ["commitment_revocation"]\ndef answer(m):\n    return m["params"]'
    event = {"text": "ö" * 300_000}

    async def run() -> None:
        async with Host() as host:
            await host.start(make(body))
            hooks = [host.hook("commitment_revocation", event) for _ in range(4)]
            assert await asyncio.gather(*hooks) == [event] * 4

    asyncio.run(run())
