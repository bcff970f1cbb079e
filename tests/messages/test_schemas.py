"""Every Struct against the daemon's own schema: members, types, words, requirements, versions."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.notifications._catalogue import NATIVE, TYPED, topic_spec
from generate_messages import member_docs
from tests.messages.shape import added, differences, member

SILENT_IN_2019 = "the daemon of 2019 does not tell it"
ONLY_IN_2019 = "the daemon of 2019 tells it"
OLDER_NAME = "daemons before v24.11 tell an optional member so"
SEEN = "a running daemon sends it"
ANY_JSON = "the caller's JSON, whatever it is"

DELIBERATE: dict[str, dict[str, str]] = {
    "hook db_write": {"data_version: optional": SILENT_IN_2019},
    "hook peer_connected": {
        "peer.direction: optional": SILENT_IN_2019,
        "peer.features: optional": SILENT_IN_2019,
        "peer.globalfeatures: not in the schema": ONLY_IN_2019,
        "peer.localfeatures: not in the schema": ONLY_IN_2019,
    },
    "hook invoice_payment": {"payment.extratlvs: not in the schema": SEEN},
    "hook rpc_command": {
        "rpc_command.id: str or int or float or bool or Raw for None": ANY_JSON,
        "rpc_command.id: required": "it is there, but may be null",
        "rpc_command.params: dict or list for None": ANY_JSON,
        "rpc_command.jsonrpc: not in the schema": SEEN,
        "rpc_command.filter: not in the schema": SEEN,
    },
    "hook onion_message_recv": {
        "onion_message.reply_blindedpath.blinding: not in the schema": OLDER_NAME,
    },
    "hook onion_message_recv_secret": {
        "onion_message.reply_blindedpath.blinding: not in the schema": OLDER_NAME,
    },
    "topic invoice_creation": {"offer_id: not in the schema": SEEN},
    "topic connect": {"direction: optional": SILENT_IN_2019},
    "topic forward_event": {
        f"{name}: not in the schema": SEEN
        for name in ("created_index", "updated_index", "in_htlc_id", "out_htlc_id", "preimage")
    },
}
"""Message → difference → why it is there."""


def schemas(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


@pytest.fixture(scope="module")
def hooks(shared: Path) -> dict[str, dict[str, Any]]:
    return schemas(shared / "schemas" / "hook")


@pytest.fixture(scope="module")
def topics(shared: Path) -> dict[str, dict[str, Any]]:
    return schemas(shared / "schemas" / "notification")


def test_no_hook_is_missing(hooks):
    assert set(hooks) == HOOKS


def test_no_topic_is_missing(topics):
    assert {topic_spec(name).name for name in topics} == TYPED
    assert {name for name in topics if not name.startswith("xpay_")} == NATIVE
    for name, schema in topics.items():
        assert schema["notification"] in topic_spec(name).names


def check(message: str, schema: dict[str, Any], kind: type[msgspec.Struct]) -> None:
    assert set(differences(schema, kind)) == set(DELIBERATE.get(message, ()))
    for path, version in added(schema):
        assert f"Since {version}" in text_of(kind, path), path


def text_of(kind: type[msgspec.Struct], path: str) -> str:
    """What stands below a member, which a path of several names may lead to."""
    name, _, rest = path.partition(".")
    (field,) = (each for each in msgspec.structs.fields(kind) if each.encode_name == name)
    if not rest:
        return member_docs(kind)[field.name]
    inner = member(typing.get_type_hints(kind)[field.name]).kind
    return text_of(typing.get_args(inner)[0] if typing.get_args(inner) else inner, rest)


@pytest.mark.promise(
    "a Struct differs from the daemon's own schema",
    "the differences that are meant are listed with their reason, and no other exists",
)
@pytest.mark.parametrize("name", sorted(HOOKS))
def test_hook(hooks, name):
    check(f"hook {name}", hooks[name]["request"], hook_spec(name).event)


@pytest.mark.promise("a Struct differs from the daemon's own schema")
@pytest.mark.parametrize("name", sorted(TYPED))
def test_topic(topics, name):
    spec = topic_spec(name)
    (schema,) = (schema for file, schema in topics.items() if file in spec.names)
    check(f"topic {name}", schema["response"], spec.event)


def test_no_difference_is_left_of_a_message_that_is_gone():
    messages = {f"hook {name}" for name in HOOKS} | {f"topic {name}" for name in TYPED}
    assert set(DELIBERATE) <= messages


BREAKS: dict[str, Any] = {
    "a type": lambda members: members["height"].update(type="u64"),
    "a member that is new": lambda members: members.update(more={"type": "string"}),
    "a member that is gone": lambda members: members.pop("hash"),
    "words": lambda members: members["hash"].update(enum=["x"]),
}


@pytest.mark.parametrize("change", BREAKS)
def test_a_difference_is_found(topics, change):
    schema = json.loads(json.dumps(topics["block_added"]["response"]))
    BREAKS[change](schema["properties"])
    assert len(set(differences(schema, topic_spec("block_added").event))) == 1


def test_a_requirement_that_differs_is_found(topics):
    schema = {**topics["block_added"]["response"], "required": ["hash"]}
    assert set(differences(schema, topic_spec("block_added").event)) == {"height: required"}
