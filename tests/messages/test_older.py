"""What older daemons spelled in another way, and what newer ones may add: no event is rejected."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.host.rules.samples import hook_sample, topic_sample
from clnwire.notifications._catalogue import TYPED, topic_spec


def hook(name: str, event: Any) -> Any:
    return hook_spec(name).decoder()(json.dumps(event).encode())


def topic(name: str, payload: Any) -> Any:
    return topic_spec(name).decoder()(json.dumps(payload).encode())


MESSAGES = [
    pytest.param(hook, name, hook_sample(name), id=f"hook-{name}") for name in sorted(HOOKS)
]
MESSAGES += [
    pytest.param(topic, name, topic_sample(name), id=f"topic-{name}") for name in sorted(TYPED)
]


def changed(value: Any, change: Any) -> Any:
    """The value with every object, and all that stands in it, changed."""
    if isinstance(value, dict):
        return change({name: changed(each, change) for name, each in value.items()})
    return [changed(each, change) for each in value] if isinstance(value, list) else value


def more(members: dict[str, Any]) -> dict[str, Any]:
    # What is empty are a command's params, which are the caller's own, or has no members at all.
    return {**members, "a_member_of_tomorrow": {"deep": [1, None]}} if members else members


WORDS = ("type", "direction", "status", "style", "cause", "new_state", "primary_tag", "level")


def of_tomorrow(members: dict[str, Any]) -> dict[str, Any]:
    return {
        name: "of tomorrow" if name in WORDS and isinstance(value, str) else value
        for name, value in members.items()
    }


def in_msat(members: dict[str, Any]) -> dict[str, Any]:
    return {
        name: f"{value}msat" if name.endswith("msat") and isinstance(value, int) else value
        for name, value in members.items()
    }


@pytest.mark.promise(
    "a daemon of 2019 to today spells a message in its own way",
    "the handler gets the same Struct",
)
@pytest.mark.parametrize(("decode", "name", "event"), MESSAGES)
def test_samples_decode_and_encode_back(decode, name, event):
    back = json.loads(msgspec.json.encode(decode(name, event)))
    wrapped = name.startswith("pay_part")
    assert back == (event[name] if wrapped else event)


@pytest.mark.promise("a new member or enum value of a newer daemon", "ignored; passed on as it is")
@pytest.mark.parametrize(("decode", "name", "event"), MESSAGES)
def test_members_of_tomorrow_are_ignored(decode, name, event):
    if name.startswith("pay_part"):
        assert decode(name, {name: changed(event[name], more)}) == decode(name, event)
    else:
        assert decode(name, changed(event, more)) == decode(name, event)


@pytest.mark.promise("a new member or enum value of a newer daemon")
@pytest.mark.parametrize(("decode", "name", "event"), MESSAGES)
def test_words_of_tomorrow_arrive_as_they_are(decode, name, event):
    new = changed(event, of_tomorrow)
    back = json.loads(msgspec.json.encode(decode(name, new)))
    assert back == (new[name] if name.startswith("pay_part") else new)


@pytest.mark.parametrize(("decode", "name", "event"), MESSAGES)
def test_amounts_may_be_strings(decode, name, event):
    if not name.startswith("pay_part"):  # They are younger than the last such daemon.
        assert decode(name, changed(event, in_msat)) == decode(name, event)


def without(event: Any, path: str) -> Any:
    """A copy without that member."""
    event = json.loads(json.dumps(event))
    *parents, last = path.split(".")
    inner = event
    for parent in parents:
        inner = inner[parent]
    del inner[last]
    return event


def renamed(event: Any, path: str, old: str) -> Any:
    """A copy with that member under its earlier name."""
    *parents, last = path.split(".")
    value = event
    for name in (*parents, last):
        value = value[name]
    event = without(event, path)
    inner = event
    for parent in parents:
        inner = inner[parent]
    inner[old] = value
    return event


@pytest.mark.promise("a daemon of 2019 to today spells a message in its own way")
@pytest.mark.parametrize(
    ("decode", "name", "path", "old"),
    [
        (hook, "htlc_accepted", "htlc.amount_msat", "amount"),
        (hook, "htlc_accepted", "onion.forward_msat", "forward_amount"),
        (hook, "openchannel", "openchannel.funding_msat", "funding_satoshis"),
        (hook, "openchannel", "openchannel.dust_limit_msat", "dust_limit_satoshis"),
        (hook, "openchannel", "openchannel.channel_reserve_msat", "channel_reserve_satoshis"),
        (hook, "openchannel2", "openchannel2.their_funding_msat", "their_funding"),
        (hook, "rbf_channel", "rbf_channel.their_funding_msat", "their_funding"),
        (topic, "channel_opened", "funding_msat", "amount"),
        (topic, "channel_opened", "channel_ready", "funding_locked"),
        (topic, "coin_movement", "credit_msat", "credit"),
        (topic, "forward_event", "in_msat", "in_msatoshi"),
        (topic, "sendpay_success", "amount_sent_msat", "msatoshi_sent"),
    ],
)
def test_earlier_names(decode, name, path, old):
    event = hook_sample(name) if decode is hook else topic_sample(name)
    if old == "forward_amount":
        # Without a required member under its old name, nobody looks for the optional ones.
        event = renamed(event, "htlc.amount_msat", "amount")
    assert decode(name, renamed(event, path, old)) == decode(
        name, hook_sample(name) if decode is hook else topic_sample(name)
    )


@pytest.mark.parametrize(
    ("decode", "name", "path", "value"),
    [
        (hook, "openchannel", "openchannel.channel_type", {"bits": [], "names": []}),
        (hook, "openchannel2", "openchannel2.channel_type", {"bits": [], "names": []}),
        (hook, "openchannel2", "openchannel2.require_confirmed_inputs", False),
        (hook, "openchannel2_changed", "openchannel2_changed.require_confirmed_inputs", False),
        (hook, "rbf_channel", "rbf_channel.require_confirmed_inputs", False),
        (hook, "rpc_command", "rpc_command.params", {}),
        (hook, "rpc_command", "rpc_command.id", None),
        (topic, "coin_movement", "created_index", 0),
        (topic, "warning", "timestamp", ""),
        (hook, "htlc_accepted", "htlc.short_channel_id", ""),
        (hook, "htlc_accepted", "htlc.id", 0),
    ],
)
def test_what_older_daemons_do_not_say(decode, name, path, value):
    event = hook_sample(name) if decode is hook else topic_sample(name)
    found = decode(name, without(event, path))
    for part in path.split("."):
        found = getattr(found, part)
    assert msgspec.to_builtins(found) == value


def test_the_balance_of_an_account_had_another_name():
    snapshot = topic_sample("balance_snapshot")
    older = json.loads(json.dumps(snapshot).replace('"balance_msat"', '"balance"'))
    assert older != snapshot
    assert topic("balance_snapshot", older) == topic("balance_snapshot", snapshot)


@pytest.mark.parametrize("name", ["onion_message_recv", "onion_message_recv_secret"])
def test_the_key_of_a_way_back_had_another_name(name):
    key = "02" + "ab" * 32
    path = {"first_node_id": key, "blinding": key, "hops": []}
    event = {"onion_message": {"reply_blindedpath": path, "pathsecret": "00" * 32}}
    assert hook(name, event).onion_message.reply_blindedpath.first_path_key == key


def test_a_block_was_wrapped_in_another_name():
    block = topic_sample("block_added")
    for wrapped in ({"block": block}, {"block": block, "block_added": block}):
        assert topic("block_added", wrapped) == topic("block_added", block)


def test_the_first_tag_was_the_primary_one():
    movement = without(topic_sample("coin_movement"), "primary_tag")
    assert (
        topic("coin_movement", {**movement, "tags": ["invoice", "opener"]}).primary_tag == "invoice"
    )
    assert topic("coin_movement", movement).primary_tag == ""


@pytest.mark.parametrize("name", ["pay_part_start", "pay_part_end"])
def test_topics_that_their_publisher_wraps(name):
    payload = topic_sample(name)[name]
    event = msgspec.convert(payload, topic_spec(name).event)
    for wrapped in ({name: payload}, {f"xpay_{name}": payload}, payload):
        assert topic(name, wrapped) == event
        assert topic(f"xpay_{name}", wrapped) == event


@pytest.mark.parametrize("name", ["a_topic_of_tomorrow", "news"])
def test_an_unknown_topic_has_no_struct(name):
    assert topic_spec(name) is None


def test_an_unknown_hook_has_no_struct():
    assert hook_spec("a_hook_of_tomorrow").event is None


@pytest.mark.parametrize(
    ("decode", "name", "event", "problem"),
    [
        (hook, "htlc_accepted", {}, "missing required field `onion`"),
        (hook, "htlc_accepted", {"onion": 1}, "Expected `object`, got `int`"),
        (hook, "openchannel", {"openchannel": {"id": "x"}}, "`funding_msat`"),
        (topic, "connect", {"id": "x", "address": 5}, "Expected `object`, got `int`"),
        (topic, "connect", [], "Expected `object`, got `array`"),
        (topic, "forward_event", {"in_msat": "1,5msat"}, "Expected `int`"),
        (topic, "pay_part_end", {"pay_part_end": {}}, "missing required field `status`"),
    ],
)
def test_what_is_no_such_message_is_told_in_todays_words(decode, name, event, problem):
    with pytest.raises(msgspec.ValidationError, match=problem):
        decode(name, event)


def test_the_number_of_a_custom_message():
    assert hook("custommsg", hook_sample("custommsg")).number == 0x8001
    with pytest.raises(ValueError, match="invalid literal"):
        _ = hook("custommsg", {"peer_id": "02", "payload": ""}).number
