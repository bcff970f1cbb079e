"""What plugins send beside answers, and what the daemon sends beside hooks and topics."""

from __future__ import annotations

import msgspec
import pytest

from clnwire import error_codes, messages
from clnwire.messages import (
    Check,
    CustomNotification,
    FeatureBits,
    LogLine,
    Manifest,
    ManifestHook,
    ManifestMethod,
    ManifestOption,
    ManifestTopic,
    Message,
    Progress,
    SetConfig,
    Stage,
)
from clnwire.types import Hex


def encoded(message: msgspec.Struct) -> bytes:
    return msgspec.json.encode(message)


def test_what_a_plugin_sends():
    token = msgspec.Raw(b'"a/cln:x#1"')
    assert encoded(LogLine("info", "hi")) == b'{"level":"info","message":"hi"}'
    assert encoded(Message(token, "warn", "x")) == (
        b'{"id":"a/cln:x#1","level":"warn","message":"x"}'
    )
    assert encoded(Progress(token, 1, 2)) == b'{"id":"a/cln:x#1","num":1,"total":2}'
    assert encoded(Progress(token, 1, 2, Stage(0, 3))) == (
        b'{"id":"a/cln:x#1","num":1,"total":2,"stage":{"num":0,"total":3}}'
    )


@pytest.mark.parametrize("token", [b"1e2", b"null", b'"\\ud800"', b"12345678901234567890"])
def test_ids_stay_as_they_are(token):
    assert encoded(Progress(msgspec.Raw(token), 0, 1)).startswith(b'{"id":' + token + b",")


FULL = Manifest(
    options=[
        ManifestOption("a", "string", "A", "x", deprecated=["v1", "v2"]),
        ManifestOption("b", "int", "B", multi=True, dynamic=True),
    ],
    rpcmethods=[ManifestMethod("m", "[x]", "M", "More", "utility", deprecated=True)],
    subscriptions=["connect"],
    hooks=[ManifestHook("custommsg", ["a.py"], ["b.py"], [32769])],
    notifications=[ManifestTopic("news")],
    dynamic=False,
    nonnumericids=True,
    cancheck=True,
    featurebits=FeatureBits(node=Hex("80"), init=Hex("80")),
    custommessages=[32769],
)


def test_the_manifest_has_every_member_that_the_daemon_reads():
    members = msgspec.json.decode(encoded(FULL))
    assert set(members) == {
        *("options", "rpcmethods", "subscriptions", "hooks", "notifications", "dynamic"),
        *("nonnumericids", "cancheck", "featurebits", "custommessages"),
    }
    assert members["hooks"][0]["filters"] == [32769]
    assert "default" not in members["options"][1]
    assert msgspec.json.decode(encoded(FULL), type=Manifest) == FULL


def test_setconfig_in_every_form():
    for val in ("x", "7", 7, True, ["a", "b"], [1]):
        text = msgspec.json.encode({"config": "a", "val": val, "more": 1})
        assert msgspec.json.decode(text, type=SetConfig).val == val
    assert msgspec.json.decode(b'{"config":"a"}', type=SetConfig).val is None


def test_check_beside_the_params_of_a_call():
    text = b'{"command_to_check":"hello","name":"Rusty"}'
    assert msgspec.json.decode(text, type=Check).command_to_check == "hello"


def test_a_custom_notification_and_where_it_comes_from():
    text = b'{"jsonrpc":"2.0","method":"news","origin":"other.py","params":[1]}'
    assert msgspec.json.decode(text, type=CustomNotification) == CustomNotification(
        "news", [1], "other.py"
    )


def test_error_codes_are_one_each():
    codes = {name: value for name, value in vars(error_codes).items() if name.isupper()}
    assert len(set(codes.values())) == len(codes) > 50
    assert all(isinstance(code, int) for code in codes.values())


def test_every_message_is_exported():
    for name in messages.__all__:
        assert issubclass(getattr(messages, name), msgspec.Struct)
