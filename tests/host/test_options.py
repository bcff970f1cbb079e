"""Options, by the daemon's rules: what is given, and the text that `init` has."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from clnwire.errors import RpcError
from clnwire.host import Host, PluginOptionError
from clnwire.host.rules.manifest import ReservedNames, check_manifest
from clnwire.host.rules.options import init_options
from tests.host.raw import MakePlugin


def passed(given: dict[str, Any], **option: Any) -> bytes:
    """The options in `init` of a plugin with one option `o`."""
    options = [{"name": "o", "description": "d", **option}]
    text = json.dumps({"options": options, "rpcmethods": []}).encode()
    return init_options("p.py", check_manifest("p.py", text, ReservedNames()), given)


@pytest.mark.parametrize(
    ("option", "given", "text"),
    [
        ({"type": "string"}, "Hi", '"Hi"'),
        ({"type": "string"}, 'a "b"\n', r'"a \"b\"\n"'),
        ({"type": "string"}, 5, '"5"'),
        ({"type": "string-conceal"}, "secret", '"secret"'),
        ({"type": "int"}, 7, "7"),
        ({"type": "int"}, "42", "42"),
        ({"type": "int"}, "-1", "-1"),
        ({"type": "int"}, "0x10", "0x10"),
        ({"type": "int"}, "010", "010"),
        ({"type": "int"}, str(2**63 - 1), str(2**63 - 1)),
        ({"type": "bool"}, True, "true"),
        ({"type": "bool"}, "yes", "true"),
        ({"type": "bool"}, "No", "false"),
        ({"type": "bool"}, "TRUE", "true"),
        ({"type": "bool"}, "false", "false"),
        ({"type": "flag"}, True, "true"),
        ({"type": "flag"}, "", "true"),
        ({"type": "string", "multi": True}, ["a", "b"], '["a","b"]'),
        ({"type": "string", "multi": True}, "a", '["a"]'),
        ({"type": "int", "multi": True}, (1, "0x10"), "[1,0x10]"),
    ],
)
def test_values_that_are_given(option: dict[str, Any], given: Any, text: str) -> None:
    assert passed({"o": given}, **option) == b'{"o":' + text.encode() + b"}"


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"type": "string", "default": "World"}, '{"o":"World"}'),
        ({"type": "string", "default": "a\nb"}, r'{"o":"a\\nb"}'),
        ({"type": "int", "default": 7}, '{"o":7}'),
        ({"type": "bool", "default": True}, '{"o":true}'),
        ({"type": "flag", "default": False}, "{}"),
        ({"type": "flag"}, "{}"),
        ({"type": "string"}, "{}"),
        ({"type": "string", "multi": True}, "{}"),
        ({"type": "string", "multi": True, "default": "a"}, '{"o":["a"]}'),
    ],
)
def test_defaults(option: dict[str, Any], text: str) -> None:
    assert passed({}, **option) == text.encode()


def test_a_flag_that_is_off_is_absent() -> None:
    assert passed({"o": False}, type="flag") == b"{}"
    assert passed({"o": "no"}, type="flag") == b"{}"


@pytest.mark.parametrize(
    ("type_", "given", "expected"),
    [
        ("int", "abc", "an integer of 64 bits"),
        ("int", "08", "an integer of 64 bits"),
        ("int", True, "an integer of 64 bits"),
        ("int", 2**63, "an integer of 64 bits"),
        ("int", "1.5", "an integer of 64 bits"),
        ("bool", "maybe", "yes, no, true or false"),
        ("bool", 1, "yes, no, true or false"),
        ("flag", "perhaps", "yes, no, true or false"),
        ("string", ["a"], "a string"),
        ("string", "\udcff", "UTF-8"),
    ],
)
def test_values_that_do_not_fit(type_: str, given: Any, expected: str) -> None:
    with pytest.raises(PluginOptionError, match=f"option 'o' must be {expected}"):
        passed({"o": given}, type=type_)


OPTIONS = """
MANIFEST["options"] = [
    {"name": "number", "type": "int", "description": "d", "dynamic": True},
    {"name": "fixed", "type": "string", "description": "d"},
]
def handle(message, handle=handle):
    if message["method"] == "setconfig" and message["params"]["val"] == "13":
        return fail(message, -32602, "not that one")
    log(message["TEXT"])
    handle(message)
def messages():
    "init may not be JSON: takes what is between blank lines."
    text = ""
    while data := os.read(0, 65536).decode():
        text += data
        while "\\n\\n" in text:
            one, _, text = text.partition("\\n\\n")
            message = json.loads(one.replace("0x10", "16"))
            message["TEXT"] = one
            yield message
"""


def test_an_integer_reaches_the_plugin_as_it_is_spelled(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start(make(OPTIONS), {"number": "0x10"})
            entry = await host.wait_for_log('"method":"init"')
            assert '"options":{"number":0x10},' in entry.message

    asyncio.run(run())


def test_setconfig_changes_dynamic_options(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start(make(OPTIONS))
            await host.call("setconfig", {"config": "number", "val": 5})
            entry = await host.wait_for_log("setconfig")
            assert '"params":{"config":"number","val":"5"}' in entry.message
            for params, match in (
                (["number", "13"], "not that one"),
                (["number", "x"], "must be an integer"),
                (["fixed", "x"], "is not dynamic"),
                (["unknown", "x"], "Unknown config option"),
            ):
                with pytest.raises(RpcError, match=match):
                    await host.call("setconfig", params)

    asyncio.run(run())
