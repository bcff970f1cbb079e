"""Messages that are JSON, but not for msgspec: their handlers are called all the same."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from clnwire.host import Host
from clnwire.host.rules.samples import hook_sample

CONTINUE = {"result": "continue"}
DEEP = "[" * 5_000 + "]" * 5_000
HALF = '"\\ud83d"'
ODD = {"half a pair": HALF, "too large": "1e999", "too long": "9" * 5_000, "too deep": DEEP}
"""Values that msgspec refuses wherever they stand."""

GUARD = """
@plugin.hook("rpc_command", filters=["withdraw"])
def on_command(event: {annotation}):
    plugin.log(ascii(event)[:300])
    return RpcCommandReturn.error(-1, "no")
"""


def odd_call(place: str, value: str) -> str:
    """A call of `withdraw` with the value at some place, as the daemon asks about it."""
    call = {
        "id": f'"id":{value},"method":"withdraw","params":{{}}',
        "params": f'"id":1,"method":"withdraw","params":{{"feerate":{value}}}',
        "item": f'"id":1,"method":"withdraw","params":[{value}]',
        "member": f'"id":1,"method":"withdraw","params":{{}},{HALF}:{value}',
    }[place]
    return f'{{"rpc_command":{{"jsonrpc":"2.0",{call}}}}}'


@pytest.mark.promise(
    "a caller sends a lone surrogate, `1e999` or deep nesting",
    "the handler is called all the same",
)
@pytest.mark.parametrize("annotation", ["RpcCommand", "dict"])
def test_a_guard_is_asked_whatever_the_caller_wrote(plugin, annotation):
    daemon = plugin(GUARD.format(annotation=annotation))
    daemon.start()
    for place in ("id", "params", "item", "member"):
        for name, value in ODD.items():
            daemon.write(f'{{"id":7,"method":"rpc_command","params":{odd_call(place, value)}}}')
            reply = daemon.reply()
            if (place, name, annotation) == ("id", "too deep", "RpcCommand"):
                # The daemon itself refuses an id that is an array.
                assert reply["result"]["return"]["error"]["code"] == -32603
            else:
                assert reply["result"] == {"return": {"error": {"code": -1, "message": "no"}}}


@pytest.mark.parametrize("token", ["1e999", HALF, "true", "null", "1e2", "-1e999", '"a\\u0041"'])
def test_a_replaced_call_keeps_what_the_caller_wrote(plugin, token):
    daemon = plugin(
        """
        from msgspec.structs import replace

        @plugin.hook("rpc_command")
        def on_command(event: RpcCommand):
            return RpcCommandReplace(replace(event.rpc_command, method="other"))
        """
    )
    daemon.start()
    call = f'{{"jsonrpc":"2.0","id":{token},"method":"x","params":{{"label":{HALF},"a":["é"]}}}}'
    daemon.write(f'{{"id":7,"method":"rpc_command","params":{{"rpc_command":{call}}}}}')
    replaced = daemon.reply()["result"]["replace"]
    assert replaced == {**json.loads(call), "method": "other"}


@pytest.mark.parametrize(
    ("call", "seen"),
    [
        ('"id":1,"method":"withdraw","params":[1],"method":"help","params":[2]', "withdraw [1]"),
        ('"id":1,"\\u006dethod":"help","method":"withdraw","params":[1]', "withdraw [1]"),
        ('"id":1,"method":"withdraw","\\u0070arams":[2],"params":[1]', "withdraw [1]"),
        ('"id":1,"method":"withdraw","params":["\\u00e9","method"]', "withdraw ['é', 'method']"),
    ],
)
def test_a_guard_sees_what_the_daemon_will_run(plugin, call, seen):
    daemon = plugin(
        """
        @plugin.hook("rpc_command")
        def on_command(event: RpcCommand):
            plugin.log(f"{event.rpc_command.method} {event.rpc_command.params}")
            return CONTINUE
        """
    )
    daemon.start()
    daemon.write(f'{{"id":7,"method":"rpc_command","params":{{"rpc_command":{{{call}}}}}}}')
    assert daemon.reply()["result"] == CONTINUE
    assert daemon.log_text() == f"info {seen}"


def test_a_label_with_half_an_emoji_reaches_hook_and_topic(plugin):
    daemon = plugin(
        """
        @plugin.hook("invoice_payment")
        def on_payment(event: InvoicePayment):
            plugin.log(ascii(event.payment.label))
            return InvoicePaymentReject()

        class Created(msgspec.Struct):
            label: str

        @plugin.subscribe("invoice_creation")
        def on_invoice(event: InvoiceCreation) -> None:
            plugin.log(ascii(event.label))

        @plugin.subscribe("invoice_creation")
        def on_own(event: Created) -> None:
            plugin.log(ascii(event.label))

        @plugin.subscribe("invoice_creation")
        def on_dict(event: dict) -> None:
            plugin.log(ascii(event["label"]))

        @plugin.subscribe("pay_part_start")
        def on_part(event: PayPartStart) -> None:
            plugin.log("a part")

        @plugin.method("done")
        def done():
            return 1
        """
    )
    daemon.start()
    payment = hook_sample("invoice_payment")
    payment["payment"]["label"] = "tip \ud83d"
    assert daemon.call("invoice_payment", payment) == {"result": "reject"}
    invoice = {"label": "tip \ud83d", "preimage": "00" * 32, "msat": 1}
    daemon.notify("invoice_creation", invoice)
    daemon.call("done")
    said = ascii("tip \ud83d")
    assert daemon.log_text() == "\n".join([f"info {said}"] * 4)


def test_methods_take_what_json_can_say_and_name_the_parameter_otherwise(plugin):
    daemon = plugin(
        """
        class Point(msgspec.Struct, forbid_unknown_fields=True):
            x: float

        @plugin.method("ban")
        def ban(address: str, points: list[Point] = [], more: msgspec.Raw = msgspec.Raw(b"1")):
            return ascii([address, [p.x for p in points], bytes(more)[:9]])

        @plugin.method("count")
        def count(n: int, *rest: int, word: str = "", **others: object):
            return ascii([n, rest, word, others])
        """
    )
    daemon.start()

    def call(method: str, params: str) -> str:
        daemon.write(f'{{"id":7,"method":"{method}","params":{params}}}')
        reply = daemon.reply()
        if "error" in reply:
            assert reply["error"]["code"] == -32602, reply
            return reply["error"]["message"].partition(" (usage")[0]
        return reply["result"]

    half = ascii("\ud83d")
    assert call("ban", f"[{HALF}]") == f"[{half}, [], b'1']"
    assert call("ban", f'{{"address":{HALF}}}') == f"[{half}, [], b'1']"
    assert call("ban", '["a",[{"x":1e999}]]') == "['a', [inf], b'1']"
    assert call("ban", f'{{"address":"a","more":{DEEP}}}') == "['a', [], b'[[[[[[[[[']"
    assert call("ban", f'["a",{HALF}]') == f"ban: parameter 'points' must be an array, not {HALF}"
    assert call("ban", f'["a",[{{"x":{HALF}}}]]') == (
        f"ban: parameter 'points[0].x' must be a number, not {HALF}"
    )
    assert call("ban", "[1e999]") == "['1e999', [], b'1']"
    assert call("ban", DEEP) == f"ban: parameter 'address' must be a string, not {'[' * 79}…"
    assert call("ban", f'{{"address":"a",{HALF}:1}}') == "ban: unknown parameter '\\ud83d'"
    spoof = "b` - at `$[99]"
    assert (
        call("ban", json.dumps({"address": "a", spoof: 1})) == f"ban: unknown parameter '{spoof}'"
    )
    assert call("count", f'{{"n":1,"word":{HALF},{HALF}:2}}') == (f"[1, (), {half}, {{{half}: 2}}]")
    assert call("count", f"[1,{HALF}]") == f"count: parameter 'rest' must be an integer, not {HALF}"
    assert call("count", "[1e999]") == "count: parameter 'n' must be an integer, not 1e999"


def test_check_and_setconfig_take_it_as_well(plugin):
    daemon = plugin(
        """
        word = plugin.option("word", "a", dynamic=True)

        @plugin.method("m")
        def m(label: str, more: int = 1):
            return ascii(label)
        """
    )
    daemon.start()
    assert daemon.call("check", {"command_to_check": "m", "label": "\ud83d"}) == {
        "command_to_check": "m"
    }
    assert daemon.call("check", ["m", "\ud83d", None]) == {"command_to_check": "m"}
    error = daemon.request("check", ["m", "a", "\ud83d"])["error"]
    assert "m: parameter 'more' must be an integer, not " in error["message"]
    assert daemon.call("setconfig", {"config": "word", "val": "a\ud83d"}) == {"config": "word"}


def test_null_by_position_leaves_an_optional_parameter_out(plugin):
    daemon = plugin(
        """
        @plugin.method("q")
        def q(amount: int = 1, label: str | None = "none", *, unit: str = "sat"):
            return [amount, label, unit]

        @plugin.method("all")
        def all_(first: int | None, second: int = 2, *rest: int | None):
            return [first, second, rest]
        """
    )
    daemon.start()
    assert daemon.call("q", [None]) == [1, "none", "sat"]
    assert daemon.call("q", [None, "a"]) == [1, "a", "sat"]
    assert daemon.call("q", [None, None]) == [1, "none", "sat"]
    assert daemon.call("q", ["3", "null"]) == [3, "null", "sat"]
    assert daemon.call("q", {"label": None}) == [1, None, "sat"]
    assert "parameter 'amount'" in daemon.request("q", {"amount": None})["error"]["message"]
    assert "takes at most 2" in daemon.request("q", [None] * 3)["error"]["message"]
    assert daemon.call("all", [None, None, None, 4]) == [None, 2, [None, 4]]


def test_names_and_words_that_are_no_arguments(plugin):
    daemon = plugin(
        """
        @plugin.method("m")
        def m(request: Request, **others):
            return others

        @plugin.method("rate")
        def rate(x: float, points: list[float] | None = None, name: str = ""):
            return [x > 1, name]

        @plugin.method("anything")
        def anything(x: object, y: dict[str, object] | None = None):
            return [x, y]
        """
    )
    daemon.start()
    error = daemon.request("m", {"request": 1})["error"]
    assert error == {
        "code": -32602,
        "message": "m: unknown parameter 'request' (usage: m [others ...])",
    }
    assert daemon.call("m", {"other": 1}) == {"other": 1}
    for word in ("nan", "inf", "-Infinity", "NaN"):
        for params in ([word], {"x": word}, [1, [word]]):
            error = daemon.request("rate", params)["error"]
            assert error["code"] == -32602
            assert "must be a number, not" in error["message"]
    daemon.write('{"id":7,"method":"rate","params":["\\u006ean"]}')
    assert "parameter 'x' must be a number" in daemon.reply()["error"]["message"]
    assert daemon.call("rate", {"x": "1.5", "name": "nan"}) == [True, "nan"]
    daemon.write('{"id":7,"method":"rate","params":[1e999]}')
    assert daemon.reply()["result"] == [True, ""]
    assert daemon.call("anything", [[1], {"a": None}]) == [[1], {"a": None}]


GUARDED = """#!/usr/bin/env python
from clnwire import Plugin
from clnwire.hooks import RpcCommand, RpcCommandReturn

plugin = Plugin()

@plugin.hook("rpc_command", filters=["withdraw"])
def on_command(event: RpcCommand):
    return RpcCommandReturn.error(-1, f"no {event.rpc_command.method} here")

plugin.run()
"""


def test_nobody_gets_past_a_guard_at_the_hosts_socket(tmp_path):
    path = tmp_path / "guard.py"
    path.write_text(GUARDED.replace("/usr/bin/env python", sys.executable))
    path.chmod(0o755)
    withdrawn: list[object] = []

    async def ask(host: Host, call: str) -> bytes:
        reader, writer = await asyncio.open_unix_connection(str(host.rpc_path))
        writer.write(f'{{"jsonrpc":"2.0",{call}}}\n\n'.encode())
        reply = await asyncio.wait_for(reader.readuntil(b"\n\n"), 20)
        writer.close()
        return reply

    async def run() -> None:
        async with Host() as host:
            host.command("withdraw")(withdrawn.append)
            await host.start(path)
            for value in ODD.values():
                params = f'"id":1,"method":"withdraw","params":{{"feerate":{value}}}'
                assert b"no withdraw here" in await ask(host, params)
            for token in ('"\\ud800"', "1e999", "true"):
                reply = await ask(host, f'"id":{token},"method":"withdraw","params":[]')
                assert b"no withdraw here" in reply
                assert f'"id":{token}'.encode() in reply

    asyncio.run(run())
    assert withdrawn == []


TWICE = [
    '"method":"withdraw","params":[],"method":"getinfo"',
    '"method":"withdraw","params":[],"m\\u0065thod":"getinfo"',
    '"m\\u0065thod":"getinfo","method":"withdraw","params":[]',
    '"method":"withdraw","params":[],"params":["harmless"]',
]
"""Calls that lightningd carries out as `withdraw []`."""


@pytest.mark.parametrize("annotation", ["RpcCommand", "dict", "Mine", "bytes", "msgspec.Raw"])
def test_a_guard_sees_the_call_that_is_carried_out(plugin, annotation):
    daemon = plugin(
        f"""
        import msgspec

        class Call(msgspec.Struct):
            method: str
            params: list

        class Mine(msgspec.Struct):
            rpc_command: Call

        @plugin.hook("rpc_command")
        def on_command(event: {annotation}):
            # As any author would read it.
            import json
            is_text = isinstance(event, (bytes, msgspec.Raw))
            text = bytes(event) if is_text else msgspec.json.encode(event)
            call = json.loads(text)["rpc_command"]
            return RpcCommandReturn.error(-1, f"{{call['method']}} {{call['params']}}")
        """
    )
    daemon.start()
    for members in TWICE:
        call = f'{{"rpc_command":{{"jsonrpc":"2.0","id":"x",{members}}}}}'
        daemon.write(f'{{"id":7,"method":"rpc_command","params":{call}}}')
        error = daemon.reply()["result"]["return"]["error"]
        assert error == {"code": -1, "message": "withdraw []"}


@pytest.mark.parametrize("annotation", ["RpcCommand", "dict", "bytes"])
@pytest.mark.parametrize(
    "params",
    [
        '{"destination":"a","destination":"b"}',
        '{"route":[{"amount_msat":1,"id":"02","amount_msat":2}]}',
        '[{"a":{"x":[1,{"b":1,"\\u0062":2}]}}]',
    ],
)
def test_a_guard_is_not_shown_one_of_two_values(plugin, annotation, params):
    daemon = plugin(
        f"""
        @plugin.hook("rpc_command")
        def on_command(event: {annotation}):
            return CONTINUE
        """
    )
    daemon.start()
    call = f'{{"rpc_command":{{"jsonrpc":"2.0","id":"x","method":"pay","params":{params}}}}}'
    daemon.write(f'{{"id":7,"method":"rpc_command","params":{call}}}')
    assert "twice" in daemon.reply()["result"]["return"]["error"]["message"]
