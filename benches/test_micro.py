"""The steps of a message by themselves. Each benchmark checks its result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import msgspec
import orjson
import pytest

from clnwire import Plugin
from clnwire._core import Framer, IdMap, Outbox
from clnwire.codec import encode_any
from clnwire.hooks import CONTINUE, DbWrite

WRITES = ["UPDATE channels SET next_htlc_id=17 WHERE id=3;" + "x" * 200] * 10
PARAMS = json.dumps({"data_version": 7, "writes": WRITES}).encode()
FRAME = b'{"jsonrpc":"2.0","id":"cln:db_write#7","method":"db_write","params":' + PARAMS + b"}\n\n"

channel = {"id": "02" * 33, "scid": "103x1x0", "msat": 10**12, "ok": True, "none": None}
ANSWERS: dict[str, dict[str, Any]] = {
    "small": {"result": "Hello World", "count": 3},
    "3 kB": {"channels": [channel] * 20},
    "130 kB": {"channels": [channel] * 1000},
}


def test_framer(benchmark: Any) -> None:
    framer = Framer()

    def one() -> bytes | None:
        framer.feed(FRAME)
        return next(framer).id

    assert benchmark(one) == b'"cln:db_write#7"'


def test_json_loads_for_comparison(benchmark: Any) -> None:
    assert benchmark(json.loads, FRAME)["id"] == "cln:db_write#7"


def test_ids_and_outbox(benchmark: Any) -> None:
    ids, outbox = IdMap(), Outbox()

    def one() -> bytes:
        outbox.reply(ids.take(ids.insert(b'"cln:db_write#7"')), b'{"result":"continue"}')
        return outbox.take()

    assert json.loads(benchmark(one))["id"] == "cln:db_write#7"


def test_decode(benchmark: Any) -> None:
    decode = msgspec.json.Decoder(DbWrite).decode
    assert benchmark(decode, PARAMS).writes == WRITES


@pytest.mark.parametrize("size", ANSWERS)
@pytest.mark.parametrize("library", ["orjson", "msgspec", "clnwire"])
def test_encode_untyped(benchmark: Any, library: str, size: str) -> None:
    """Why dict answers go through orjson where it is installed."""
    encode = {"orjson": orjson.dumps, "msgspec": msgspec.json.encode, "clnwire": encode_any}[
        library
    ]
    assert json.loads(benchmark(encode, ANSWERS[size])) == ANSWERS[size]


@pytest.mark.parametrize("size", ANSWERS)
@pytest.mark.parametrize("library", ["orjson", "msgspec"])
def test_decode_untyped(benchmark: Any, library: str, size: str) -> None:
    """Why untyped replies stay with msgspec: the difference is small."""
    decode = {"orjson": orjson.loads, "msgspec": msgspec.json.decode}[library]
    assert benchmark(decode, json.dumps(ANSWERS[size]).encode()) == ANSWERS[size]


def test_registration(benchmark: Any) -> None:
    def register() -> Plugin:
        plugin = Plugin()
        plugin.option("greeting", "World")
        plugin.method("hello")(lambda name=None: name)
        plugin.hook("db_write")(lambda event: CONTINUE)
        return plugin

    assert "db_write" in benchmark(register).hooks


@pytest.mark.parametrize("module", ["clnwire", "msgspec", "sys"])
def test_import(benchmark: Any, module: str) -> None:
    """A process that imports the module and ends: what it adds to a node's start."""

    # As in production: the second start finds the bytecode that the first one kept.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", f"import {module}"]

    def start() -> int:
        return subprocess.run(command, check=True, env=environment).returncode

    assert benchmark(start) == 0
