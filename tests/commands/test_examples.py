"""Each example in the daemon's schemas, as a request and as a reply."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.commands.conftest import command

WRONG_REQUESTS = {
    ("parsefeerate", 2): "a number for feerate_str, which is a string",
}
"""Examples that are themselves wrong, and how."""

WRONG_REPLIES = {
    ("getemergencyrecoverdata", 0): "a string in place of the object with filedata",
    ("getlog", 0): "a number for created_at, which is a string",
}

MORE_THAN_LISTED = {"check": "has the parameters of the command that it checks"}
"""Commands that take more parameters than their schemas list."""

EXAMPLES = 289


def examples(schemas: dict[str, dict[str, Any]]) -> list[tuple[str, int, dict[str, Any]]]:
    return [
        (method, number, example)
        for method, schema in schemas.items()
        for number, example in enumerate(schema.get("examples", ()))
    ]


def by_name(method: str, params: Any) -> dict[str, Any]:
    """An example's parameters by name; `null` is the same as to leave one out."""
    if not isinstance(params, dict):
        params = dict(zip(command(method).request.__struct_encode_fields__, params, strict=False))
    return {name: value for name, value in params.items() if value is not None}


def known(value: Any, sent: Any) -> Any:
    """Of a value what stands in another one, too: members that no Struct has are left out."""
    if isinstance(value, dict):
        return {name: known(value[name], sent[name]) for name in value if name in sent}
    if isinstance(value, list):
        return [known(one, other) for one, other in zip(value, sent, strict=True)]
    return value


def test_all_are_there(schemas):
    assert len(examples(schemas)) == EXAMPLES
    listed = {(method, number) for method, number, _ in examples(schemas)}
    assert {*WRONG_REQUESTS, *WRONG_REPLIES} <= listed


def test_each_request_is_encoded_as_it_stands(schemas):
    for method, number, example in examples(schemas):
        params = by_name(method, example["request"].get("params", {}))
        if method in MORE_THAN_LISTED:
            params = {name: params[name] for name in ("command_to_check",)}
        if (method, number) in WRONG_REQUESTS:
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(params, command(method).request)
            continue
        # Members that are lists or objects are compared as JSON, so the inner Structs count too.
        request = msgspec.convert(params, command(method).request)
        assert json.loads(msgspec.json.encode(request)) == params, (method, number)


def test_each_request_is_what_a_call_by_name_sends(schemas):
    """Without the way through `msgspec.convert`: a dict may stand for an inner Struct."""
    for method, number, example in examples(schemas):
        params = by_name(method, example["request"].get("params", {}))
        if method in MORE_THAN_LISTED:
            continue
        names = {
            each.encode_name: each.name for each in msgspec.structs.fields(command(method).request)
        }
        request = command(method).request(**{names[key]: each for key, each in params.items()})
        assert json.loads(msgspec.json.encode(request)) == params, (method, number)


def test_each_reply_is_decoded_and_encoded_to_the_same(schemas):
    for method, number, example in examples(schemas):
        text = json.dumps(example["response"]).encode()
        kind = command(method).reply
        if (method, number) in WRONG_REPLIES:
            with pytest.raises(msgspec.ValidationError):
                msgspec.json.decode(text, type=kind)
            continue
        encoded = json.loads(msgspec.json.encode(msgspec.json.decode(text, type=kind)))
        assert encoded == known(example["response"], encoded), (method, number)


LOST = {
    "close": {"tx", "txid"},
    "listconfigs": "the options of plugins",
}
"""Commands whose replies have members that their schemas do not list."""


def lost(value: Any, kept: Any) -> bool:
    if isinstance(value, dict):
        return value.keys() != kept.keys() or any(lost(value[name], kept[name]) for name in value)
    if isinstance(value, list):
        return any(lost(one, other) for one, other in zip(value, kept, strict=True))
    return False


def test_no_member_is_lost_that_a_schema_lists(schemas):
    losing = set()
    for method, number, example in examples(schemas):
        if (method, number) in WRONG_REPLIES:
            continue
        text = json.dumps(example["response"]).encode()
        reply = msgspec.json.decode(text, type=command(method).reply)
        if lost(example["response"], json.loads(msgspec.json.encode(reply))):
            losing.add(method)
    assert losing == set(LOST)
