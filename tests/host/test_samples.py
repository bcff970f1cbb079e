"""The samples have the shapes of the daemon's schemas."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clnwire.hooks._catalogue import HOOKS
from clnwire.host.rules._samples import PAYMENT_HASH, PREIMAGE
from clnwire.host.rules.samples import hook_sample, topic_sample
from clnwire.notifications._catalogue import NATIVE

PLUGIN_TOPICS = ("pay_part_end", "pay_part_start")


def bits(count: int) -> Callable[[Any, Any], bool]:
    return lambda _, value: type(value) is int and 0 <= value < 2**count


def text(pattern: str) -> Callable[[Any, Any], bool]:
    return lambda _, value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


TYPES = {
    "u8": bits(8),
    "u16": bits(16),
    "u32": bits(32),
    "u64": bits(64),
    "msat": bits(64),
    "hex": text("(?:[0-9a-f]{2})*"),
    "hash": text("[0-9a-f]{64}"),
    "secret": text("[0-9a-f]{64}"),
    "txid": text("[0-9a-f]{64}"),
    "pubkey": text("0[23][0-9a-f]{64}"),
    "short_channel_id": text(r"\d+x\d+x\d+"),
    "short_channel_id_dir": text(r"\d+x\d+x\d+/[01]"),
    "outpoint": text(r"[0-9a-f]{64}:\d+"),
}


def check(sample: object, schema: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="needs the group test: jsonschema")
    base = jsonschema.Draft7Validator
    types = base.TYPE_CHECKER.redefine_many(TYPES)
    validator = jsonschema.validators.extend(base, type_checker=types)
    # The schemas leave "type": "object" to the level above.
    validator({**schema, "type": "object"}).validate(sample)


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_hooks(shared: Path, name: str) -> None:
    schema = json.loads((shared / f"schemas/hook/{name}.json").read_text())
    check(hook_sample(name), schema["request"])


@pytest.mark.parametrize("topic", sorted({*NATIVE, *PLUGIN_TOPICS}))
def test_topics(shared: Path, topic: str) -> None:
    prefix = "xpay_" if topic in PLUGIN_TOPICS else ""
    schema = json.loads((shared / f"schemas/notification/{prefix}{topic}.json").read_text())
    sample = topic_sample(topic)
    closed = {**schema["response"], "additionalProperties": False}
    check(sample[topic] if prefix else sample, closed)


def test_the_file_is_what_the_schemas_give(shared: Path, tmp_path: Path) -> None:
    root, into = Path(__file__).parents[2], tmp_path / "_samples.py"
    script = root / "python/generate_samples.py"
    subprocess.run([sys.executable, script, shared / "schemas", "--into", into], check=True)
    assert into.read_text() == (root / "python/clnwire/host/rules/_samples.py").read_text()


def test_what_belongs_together() -> None:
    assert hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest() == PAYMENT_HASH
    payload = hook_sample("htlc_accepted")["onion"]["payload"]
    assert int(payload[:2], 16) == len(payload) // 2 - 1


def test_each_sample_is_the_callers_own() -> None:
    hook_sample("peer_connected")["peer"].clear()
    assert hook_sample("peer_connected")["peer"]


def test_2019() -> None:
    assert hook_sample("invoice_payment", "2019")["payment"]["msat"] == "10000msat"
    assert set(hook_sample("peer_connected", "2019")["peer"]) == {
        "id",
        "addr",
        "globalfeatures",
        "localfeatures",
    }
    assert set(hook_sample("db_write", "2019")) == {"writes"}
    assert topic_sample("connect", "2019") == {
        "id": topic_sample("connect")["id"],
        "address": {"type": "ipv4", "address": "203.0.113.7", "port": 9735},
    }
    with pytest.raises(LookupError, match="no sample for the hook 'recover' of 2019; give"):
        hook_sample("recover", "2019")
    assert hook_sample("rpc_command", "2020") == hook_sample("rpc_command")
    with pytest.raises(LookupError, match="no sample for the topic 'block_added' of 2020"):
        topic_sample("block_added", "2020")


def test_names_that_nobody_has() -> None:
    with pytest.raises(LookupError, match="hook 'peer_conected'; did you mean 'peer_conn"):
        hook_sample("peer_conected")
    with pytest.raises(LookupError, match="no sample for the topic 'mine'; give a payload"):
        topic_sample("mine")
