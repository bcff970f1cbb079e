"""Events of all hooks and topics, valid by the daemon's schemas, and what may be changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clnwire import UsageError
from clnwire._wire.structs import Event
from clnwire.hooks import CustomMsg as CustomMsgHook
from clnwire.hooks import DbWrite, HtlcAccepted, PeerConnected, PeerDisconnect, RpcCommand
from clnwire.hooks._catalogue import HOOKS, hook_spec
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
        (DbWrite, {"writes": [1]}, r"DbWrite.writes: Expected `str`, got `int` - at `\$\[0\]`"),
        (PeerConnected, {"peer": {"adr": ""}}, "PeerConnected.peer has no member 'adr'; did you"),
        (PeerConnected, {"peer": 7}, "PeerConnected.peer: Expected `object`, got `int`"),
        (Connect, {"id": None}, "Connect.id: Expected `str`, got `null`"),
        (PeerDisconnect, {}, "PeerDisconnect is not an event of a hook or topic"),
    ],
)
def test_what_does_not_fit(event: type[Event], changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        sample(event, **changes)
