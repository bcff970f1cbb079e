"""What a call sends, gives and raises, in both forms, over a real socket."""

from __future__ import annotations

import json

import msgspec
import pytest

from clnwire import ReplyError, RpcError, UsageError
from clnwire.commands.getinfo import GetinfoReply
from clnwire.host import Delivery
from tests.rpc.node import GETINFO, echo


class Small(msgspec.Struct):
    version: str


def test_a_typed_command(client):
    info = client().call(lambda rpc: rpc.getinfo())
    assert isinstance(info, GetinfoReply)
    assert (info.version, info.lightning_dir) == ("v26.06", "/tmp/x")
    assert info.fees_collected_msat == 18446744073709551615
    assert info.our_features is None, "it was not there"


def params_of(host):
    """Commands that give back what they were called with."""
    host.command("getroute")(lambda params: {"route": [], "params": params})
    host.command("askrene-age")(lambda params: {"layer": json.dumps(params), "num_removed": 1})
    host.command("listdatastore")(lambda params: {"datastore": [{"key": [json.dumps(params)]}]})


def test_parameters_by_position_and_by_name(client):
    client = client(params_of)
    aged = client.call(lambda rpc: rpc.askrene_age("a", 5))
    assert json.loads(aged.layer) == {"layer": "a", "cutoff": 5}
    aged = client.call(lambda rpc: rpc.askrene_age(cutoff=5, layer="a"))
    assert json.loads(aged.layer) == {"layer": "a", "cutoff": 5}


def test_parameters_left_out_are_not_sent(client):
    client = client(params_of)
    assert client.call(lambda rpc: rpc.listdatastore()).datastore[0].key == ["{}"]
    assert client.call(lambda rpc: rpc.listdatastore(key=None)).datastore[0].key == ["{}"]


def test_wrong_parameters_are_named_with_the_usage(client):
    client = client()
    for act, said in (
        (lambda rpc: rpc.askrene_age("a"), "askrene-age: Missing required argument 'cutoff'"),
        (lambda rpc: rpc.getinfo(x=1), "getinfo: Unexpected keyword argument 'x'"),
        (lambda rpc: rpc.getinfo(1), "getinfo: Extra positional arguments provided"),
    ):
        with pytest.raises(TypeError, match=said) as caught:
            client.call(act)
        assert "(usage: " in str(caught.value)
    assert client.node.callers == 0, "nothing was sent"


def test_an_unknown_command_says_how_to_call_it(client):
    with pytest.raises(AttributeError, match=r"'summary'; use call\('summary', \.\.\.\)"):
        client().call(lambda rpc: rpc.summary())


def test_any_command_by_its_name(client):
    client = client()
    assert client.call(lambda rpc: rpc.call("echo", {"a": [1]})) == {"a": [1]}
    assert client.call(lambda rpc: rpc.call("echo", [1, "x"])) == [1, "x"]
    assert client.call(lambda rpc: rpc.call("echo")) == {}
    assert client.call(lambda rpc: rpc.call("getinfo", type=Small)) == Small("v26.06")
    raw = client.call(lambda rpc: rpc.call("getinfo", type=msgspec.Raw))
    assert json.loads(bytes(raw)) == GETINFO


def test_a_filter_trims_the_result(client):
    version = client().call(lambda rpc: rpc.call("getinfo", filter={"version": True}))
    assert version == {"version": "v26.06"}
    small = client().call(
        lambda rpc: rpc.call("getinfo", type=Small, filter={"version": True, "color": True})
    )
    assert small == Small("v26.06")


def test_an_error_has_the_daemons_code_message_and_data(client):
    def register(host):
        @host.command("getinfo")
        def refuse(params):
            raise RpcError(205, "no route", {"hops": [1, 2]})

    with pytest.raises(RpcError) as caught:
        client(register).call(lambda rpc: rpc.getinfo())
    error = caught.value
    assert (error.code, error.message, error.data) == (205, "no route", {"hops": [1, 2]})


def test_a_result_that_does_not_fit_says_where(client):
    client = client(lambda host: host.command("getinfo")({**GETINFO, "blockheight": "high"}))
    with pytest.raises(ReplyError, match=r"getinfo: .*`\$\.blockheight`.*rpc\.call\('getinfo'"):
        client.call(lambda rpc: rpc.getinfo())
    assert client.call(lambda rpc: rpc.call("getinfo"))["blockheight"] == "high"
    assert client.node.callers == 1, "the connection is still good"


def test_messages_and_progress(client):
    def register(host):
        @host.command("getinfo")
        def getinfo(params, caller):
            caller.notify("here we go", "unusual")
            caller.progress(1, 3, stage=(0, 2))
            caller.progress(2, 3)
            return GETINFO

    client, seen = client(register), []
    watched = {
        "on_message": lambda text, level: seen.append((text, level)),
        "on_progress": lambda done, total, stage: seen.append((done, total, stage)),
    }
    expected = [("here we go", "unusual"), (1, 3, (0, 2)), (2, 3, None)]
    assert client.call(lambda rpc: rpc.options(**watched).getinfo()).network == "regtest"
    assert seen == expected
    assert client.call(lambda rpc: rpc.call("getinfo", **watched))["network"] == "regtest"
    assert seen == expected * 2
    assert client.call(lambda rpc: rpc.getinfo()).network == "regtest"
    assert seen == expected * 2, "who does not ask is not told, on the same connection"
    assert client.node.callers == 1


@pytest.mark.parametrize("error", [KeyError("x"), OSError("disk full")], ids=["other", "OSError"])
def test_a_callback_that_raises_ends_the_call(client, error):
    def register(host):
        echo(host)

        @host.command("getinfo")
        def getinfo(params, caller):
            caller.notify("x")
            return GETINFO

    client = client(register)

    def fail(text: str, level: str) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        client.call(lambda rpc: rpc.options(on_message=fail).getinfo())
    assert caught.value is error
    assert client.call(lambda rpc: rpc.call("echo", [7])) == [7], "its reply came to nobody else"


def test_options_add_up(client):
    client, seen = client(lambda host: host.command("getinfo")(Delivery(GETINFO, delay=9))), []
    with pytest.raises(TimeoutError):
        client.call(lambda rpc: rpc.options(timeout=0.05).options(on_message=seen.append).getinfo())


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_that_is_none(client, timeout):
    with pytest.raises(UsageError, match="timeout: must be more than 0 seconds"):
        client().call(lambda rpc: rpc.options(timeout=timeout).getinfo())


def test_ids_name_the_program_and_the_method(client):
    ids = []

    def register(host):
        @host.command("askrene-age")
        def age(params, caller):
            ids.append(json.loads(caller.token))
            return {"layer": "a", "num_removed": 0}

    client = client(register)
    for _ in range(2):
        client.call(lambda rpc: rpc.askrene_age("a", 5))
    names, numbers = zip(*(each.split("#") for each in ids), strict=True)
    assert names == ("test:askrene-age",) * 2
    assert int(numbers[1]) == int(numbers[0]) + 1


@pytest.mark.parametrize("timeout", [float("inf"), 1e300, 10**30])
def test_a_timeout_beyond_all_clocks_is_none(client, timeout):
    assert client().call(lambda rpc: rpc.options(timeout=timeout).getinfo()).version
