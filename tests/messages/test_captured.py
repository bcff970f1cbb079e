"""What a running daemon sent: every member of it is known."""

from __future__ import annotations

import gzip
import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.notifications._catalogue import topic_spec


def unknown(kind: Any, value: object, at: str) -> Iterator[str]:
    """The members of a value that its Struct has not."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        hints = typing.get_type_hints(kind)
        names = {each.encode_name: each.name for each in msgspec.structs.fields(kind)}
        for name, inner in value.items():
            if name in names:
                yield from unknown(hints[names[name]], inner, f"{at}.{name}")
            else:
                yield f"{at}.{name}"
    elif isinstance(value, list):
        for inner, item in ((a, item) for a in typing.get_args(kind) for item in value):
            yield from unknown(inner, item, f"{at}[]")
    elif typing.get_origin(kind) is not dict:
        for inner in typing.get_args(kind):
            yield from unknown(inner, value, at)


def events(path: Path) -> Iterator[tuple[str, Any, Any]]:
    """Message, its Struct, and what was sent."""
    with gzip.open(path, "rt") as lines:
        for record in map(json.loads, lines):
            message = json.loads(record["frame"]) if record["dir"] == "in" else {}
            method, params = message.get("method"), message.get("params")
            if "id" in message and method in HOOKS:
                yield f"hook {method}", hook_spec(method).event, params
            elif method is not None and "id" not in message:
                spec = topic_spec(method)
                if spec is not None:
                    yield f"topic {method}", spec.event, params.get(method, params)


@pytest.mark.parametrize("name", ["db_write", "forwarder", "node"])
def test_every_captured_member_is_known(shared: Path, name: str) -> None:
    found: set[str] = set()
    count = 0
    for message, kind, value in events(shared / f"captures/{name}.jsonl.gz"):
        found.update(unknown(kind, value, message))
        count += 1
    assert found == set()
    assert count > 100


def test_a_member_that_is_new_is_found() -> None:
    spec = topic_spec("invoice_creation")
    assert spec is not None
    event = {"label": "a", "preimage": "00", "offer_id": "11", "newer": 1}
    assert list(unknown(spec.event, event, "x")) == ["x.newer"]
