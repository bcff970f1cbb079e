"""Every recorded message decodes into its Struct, and encodes back to an equal value."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clnwire._core import members
from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.messages import CustomNotification, GetManifest, SetConfig
from clnwire.messages.init import Configuration
from clnwire.notifications._catalogue import topic_spec

CAPTURES = ("db_write", "node", "forwarder")


def incoming(capture: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(capture, "rt") as lines:
        for line in lines:
            record = json.loads(line)
            if record["dir"] == "in":
                yield json.loads(record["frame"])


def decoded(message: dict[str, Any]) -> tuple[Any, Any]:
    """A message's Struct, and the value that it must be equal to."""
    method, params = message["method"], message.get("params")
    text = json.dumps(params).encode()
    if method == "getmanifest":
        return msgspec.json.decode(text, type=GetManifest), params
    if method == "init":
        configuration = dict(members(text))["configuration"]
        return msgspec.json.decode(configuration, type=Configuration), params["configuration"]
    if method == "setconfig":
        return msgspec.json.decode(text, type=SetConfig), params
    if "id" in message:
        return (hook_spec(method).decoder()(text), params) if method in HOOKS else (None, None)
    spec = topic_spec(method)
    if spec is None:
        whole = json.dumps(message).encode()
        return msgspec.json.decode(whole, type=CustomNotification), message
    if spec.wrapped:
        return spec.decoder()(text), params[method]
    return spec.decoder()(json.dumps(params[method]).encode()), params[method]


@pytest.mark.promise(
    "a message of a recorded node",
    "decodes into its Struct and encodes back to an equal value; nothing is lost",
)
@pytest.mark.parametrize("capture", CAPTURES)
def test_nothing_is_lost(shared, capture):
    counted: Counter[str] = Counter()
    for message in incoming(shared / "captures" / f"{capture}.jsonl.gz"):
        event, wanted = decoded(message)
        if event is None:
            assert message["method"] == "hello", "a method of the recorded plugin's own"
            continue
        back = json.loads(msgspec.json.encode(event))
        if message["method"] == "getmanifest":
            assert wanted == {"allow-deprecated-apis": False}
        assert back == wanted
        counted[message["method"]] += 1
    assert counted.total() > 500


def test_the_captures_hold_most_of_the_messages(shared):
    found = {
        message["method"]
        for capture in CAPTURES
        for message in incoming(shared / "captures" / f"{capture}.jsonl.gz")
    }
    assert len(found & HOOKS) >= 10
    assert len({name for name in found if topic_spec(name)}) >= 18
