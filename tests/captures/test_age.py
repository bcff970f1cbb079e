"""How old the daemon is that a capture was taken from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clnwire._wire.older import with_amounts
from clnwire.commands.getinfo import GetinfoReply
from clnwire.replay.capture import dialect_of, read_capture

OLD_INIT = {"configuration": {"lightning-dir": "/", "rpc-file": "r"}}
NEWER_INIT = {"configuration": {"lightning-dir": "/", "rpc-file": "r", "feature_set": {}}}


@pytest.mark.parametrize(
    ("requests", "name"),
    [
        ([("getmanifest", "cln:getmanifest#1", {}), ("init", "cln:init#2", NEWER_INIT)], "current"),
        ([("getmanifest", 1, {"allow-deprecated-apis": True}), ("init", 2, NEWER_INIT)], "current"),
        ([("getmanifest", 0, {}), ("init", 1, NEWER_INIT)], "2020"),
        ([("getmanifest", 0, {}), ("db_write", 1, {"data_version": 1, "writes": []})], "2020"),
        ([("getmanifest", 0, {}), ("init", 1, OLD_INIT)], "2019"),
        ([("getmanifest", 0, {}), ("db_write", 1, {"writes": []})], "2019"),
        ([("hello", 0, {})], "current"),
    ],
)
def test_the_dialect_of_a_capture(
    tmp_path: Path, requests: list[tuple[str, Any, Any]], name: str
) -> None:
    lines = [
        json.dumps(
            {
                "t_us": number,
                "dir": "in",
                "frame": json.dumps({"id": token, "method": method, "params": params}),
            }
        )
        for number, (method, token, params) in enumerate(requests)
    ]
    path = tmp_path / "capture.jsonl"
    path.write_text("\n".join(lines) + "\n")
    assert dialect_of(read_capture(path)).name == name


def test_amounts_are_taken_where_a_number_is_expected() -> None:
    counts = ("num_peers", "num_pending_channels", "num_active_channels", "num_inactive_channels")
    info = {
        **dict.fromkeys(counts, 0),
        "id": "02" * 33,
        "alias": "5msat",
        "color": "000000",
        "version": "v0.10.0",
        "lightning-dir": "/",
        "blockheight": 0,
        "network": "regtest",
        "fees_collected_msat": "7msat",
        "address": [],
    }
    reply: GetinfoReply = with_amounts(info, GetinfoReply)
    assert (reply.fees_collected_msat, reply.alias) == (7, "5msat")
