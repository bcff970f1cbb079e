"""Events of all hooks and topics, valid by the daemon's schemas, and what may be changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from clnwire import UsageError
from clnwire._wire.structs import Event
from clnwire.commands.getinfo import GetinfoReply
from clnwire.commands.listpeerchannels import ListpeerchannelsChannels, ListpeerchannelsReply
from clnwire.hooks import CustomMsg as CustomMsgHook
from clnwire.hooks import DbWrite, HtlcAccepted, PeerConnected, PeerDisconnect, RpcCommand
from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.host.empty_node import command_names, reply_of
from clnwire.host.encoding import text_of
from clnwire.notifications import Connect, CustomMsg, PluginStopped
from clnwire.notifications._catalogue import TYPED, topic_spec
from clnwire.testing import sample
from tests.host.test_samples import PLUGIN_TOPICS, check


def schema(shared: Path, kind: str, name: str) -> Any:
    return json.loads((shared / f"schemas/{kind}/{name}.json").read_text())


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_each_hook(shared: Path, name: str) -> None:
    event = sample(hook_spec(name).event)
    assert type(event) is hook_spec(name).event
    check(msgspec.to_builtins(event), schema(shared, "hook", name)["request"])


@pytest.mark.parametrize("topic", sorted(TYPED))
def test_each_topic(shared: Path, topic: str) -> None:
    spec = topic_spec(topic)
    assert spec is not None
    event = sample(spec.event)
    assert type(event) is spec.event
    prefix = "xpay_" if topic in PLUGIN_TOPICS else ""
    check(msgspec.to_builtins(event), schema(shared, "notification", prefix + topic)["response"])


def one_of_each(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Changes that put one Struct into each list that the sample has."""
    hints = get_type_hints(kind)
    changes: dict[str, Any] = {}
    for each in msgspec.structs.fields(kind):
        item = get_args(hints[each.name])[0] if get_origin(hints[each.name]) is list else None
        if isinstance(item, type) and issubclass(item, msgspec.Struct):
            changes[each.name] = [one_of_each(item)]
    return changes


# Their schemas contradict themselves, or require what they do not list.
IMPOSSIBLE = {"askrene-create-layer", "bkpr-editdescriptionbypaymentid"}
REPLIES = [name for name in command_names() if hasattr(reply_of(name), "__struct_fields__")]


@pytest.mark.parametrize("command", REPLIES)
def test_the_result_of_each_command(shared: Path, command: str) -> None:
    reply = reply_of(command)
    file = shared / f"schemas/rpc/{command}.json"
    response = json.loads(file.read_text())["response"] if file.exists() else {}
    check(json.loads(text_of(sample(reply))), response)
    if command not in IMPOSSIBLE:
        check(json.loads(text_of(sample(reply, **one_of_each(reply)))), response)


def test_the_channels_of_a_node() -> None:
    reply = sample(
        ListpeerchannelsReply,
        channels=[{"to_us_msat": 5, "updates": {"local": {"fee_base_msat": 7}}}, {}],
    )
    first, second = reply.channels
    assert (first.to_us_msat, first.state, first.peer_id) == (5, "CHANNELD_NORMAL", second.peer_id)
    assert first.updates is not None
    assert first.updates.local.fee_base_msat == 7
    assert sample(ListpeerchannelsReply, channels=[first]).channels == [first]
    assert sample(ListpeerchannelsChannels, to_us_msat=5).to_us_msat == 5
    assert sample(ListpeerchannelsReply).channels == []
    # Members of the JSON whose name Python does not permit.
    assert sample(GetinfoReply, **{"lightning-dir": "/x"}).lightning_dir == "/x"


def test_members_are_changed() -> None:
    assert sample(DbWrite, writes=["DELETE FROM t"]).writes == ["DELETE FROM t"]
    event = sample(PeerConnected, peer={"direction": "out"})
    assert event == PeerConnected(peer=msgspec.structs.replace(event.peer, direction="out"))
    assert event.peer.id == sample(PeerConnected).peer.id
    # A whole Struct will do as well, and so will a member that the sample leaves out.
    assert sample(PeerConnected, peer=event.peer) == event
    command = sample(RpcCommand, rpc_command={"filter": {"id": True}, "params": [1]})
    assert (command.rpc_command.filter, command.rpc_command.params) == ({"id": True}, [1])
    htlc = sample(HtlcAccepted, htlc={"amount_msat": 5}, onion={"forward_msat": 5})
    assert (htlc.htlc.amount_msat, htlc.onion.forward_msat) == (5, 5)


def test_one_struct_for_two() -> None:
    assert CustomMsg is CustomMsgHook
    assert sample(CustomMsg, payload="8001ff").payload == "8001ff"
    assert type(sample(PluginStopped)) is PluginStopped


@pytest.mark.parametrize(
    ("event", "changes", "problem"),
    [
        (DbWrite, {"wirtes": []}, "DbWrite has no member 'wirtes'; did you mean 'writes'?"),
        (DbWrite, {"x": 1}, "DbWrite has no member 'x'; it has writes, data_version"),
        (DbWrite, {"writes": [1]}, r"DbWrite.writes\[0\]: Expected `str`, got `int`$"),
        (PeerConnected, {"peer": {"adr": ""}}, "PeerConnected.peer has no member 'adr'; did you"),
        (PeerConnected, {"peer": 7}, "PeerConnected.peer: Expected `object`, got `int`"),
        (Connect, {"id": None}, "Connect.id: Expected `str`, got `null`"),
        (
            ListpeerchannelsReply,
            {"channels": [{}, {"to_us": 1}]},
            r"ListpeerchannelsReply.channels\[1\] has no member 'to_us'; did you mean",
        ),
        (
            ListpeerchannelsReply,
            {"channels": [{"to_us_msat": "5"}]},
            r"ListpeerchannelsReply.channels\[0\].to_us_msat: Expected",
        ),
        (PeerDisconnect, {}, "PeerDisconnect is neither an event nor a command's"),
        ("db_write", {}, "sample takes a Struct, such as clnwire.hooks.DbWrite, not 'db_write'"),
    ],
)
def test_what_does_not_fit(event: type[Event], changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        sample(event, **changes)
