"""Inputs that are large or deep: refused in few words, and without work that grows faster."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from clnwire._wire.nearest import nearest
from clnwire.host import ManifestError
from clnwire.host.config import Written, plugin_options
from clnwire.host.rules.chain import ordered
from clnwire.host.rules.manifest import (
    HostHook,
    HostManifest,
    Option,
    ReservedNames,
    check_manifest,
)

LONG = "h" * 1_000_000
DEEP = b"[" * 5000


def refused(text: bytes) -> str:
    with pytest.raises(ManifestError) as caught:
        check_manifest("p", text, ReservedNames())
    return str(caught.value)


@pytest.mark.parametrize(
    "member",
    [
        {"hooks": [LONG]},
        {"hooks": [LONG], "subscriptions": [LONG]},
        {"options": [{"name": LONG, "type": LONG}]},
        {"options": [{"name": "é" + LONG}]},
        {"rpcmethods": [{"name": LONG}]},
        {"rpcmethods": [{"name": LONG, "usage": ""}] * 2},
        {"featurebits": {"node": LONG}},
    ],
    ids=["hook", "topic", "type", "option", "usage", "twice", "bits"],
)
def test_a_refusal_quotes_the_beginning_of_a_name(member: dict[str, Any]) -> None:
    assert len(refused(json.dumps({"options": [], "rpcmethods": [], **member}).encode())) < 500


def test_a_manifest_that_is_nested_too_deeply_is_refused() -> None:
    assert "cannot be decoded" in refused(b'{"options":[],"rpcmethods":[],"x":' + DEEP)
    default = DEEP + b"]" * len(DEEP)
    entry = b'{"name":"o","type":"string","description":"d","default":%b}' % default
    assert "must be a string" in refused(b'{"options":[%b],"rpcmethods":[]}' % entry)


def test_a_chain_reads_each_path_once() -> None:
    read: list[int] = []

    class CountedPath:
        def __init__(self, number: int) -> None:
            self.number = number

        def __str__(self) -> str:
            read.append(self.number)
            return f"/plugins/{self.number}.py"

    names = tuple(f"{number}.py" for number in range(1000))

    class NamedPlugin:
        def __init__(self, number: int) -> None:
            self.name, self.path = f"{number}.py", CountedPath(number)
            hook = HostHook("custommsg", before=names[:number])
            self.manifest = HostManifest(hooks={"custommsg": hook})

    plugins = [NamedPlugin(number) for number in range(20)]
    chain = ordered("custommsg", cast("Any", plugins))
    assert [plugin.name for plugin in chain] == [f"{number}.py" for number in reversed(range(20))]
    assert len(read) == 20


def test_values_of_a_multi_option_are_collected_in_one_list() -> None:
    written = [Written("m", str(number)) for number in range(300_000)]
    found = plugin_options(written, {"m": Option("m", "string", "d", multi=True)})
    assert found["m"].value == [one.value for one in written]


def test_a_long_name_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def compare(*names: object, **options: object) -> None:
        pytest.fail(f"compared: {names}, {options}")

    monkeypatch.setattr("difflib.get_close_matches", compare)
    assert nearest(LONG, ["htlc_accepted"]) is None
    monkeypatch.undo()
    assert nearest("htlc_acepted", ["htlc_accepted", "x"]) == "htlc_accepted"
