"""Manifests: one test for each of the daemon's refusals."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from clnwire.host import Host, ManifestError
from clnwire.host.rules.manifest import ReservedNames, check_manifest
from tests.host.raw import MakePlugin

OPTION = {"name": "o", "type": "string", "description": "d"}
METHOD = {"name": "m", "usage": "", "description": "d"}


def manifest(**members: Any) -> dict[str, Any]:
    """The smallest manifest, and these members."""
    return {"options": [], "rpcmethods": [], **members}


def option(**members: Any) -> dict[str, Any]:
    """A manifest with one option, which has these members."""
    return manifest(options=[{**OPTION, **members}])


def without(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != name}


REFUSED: list[tuple[str, Any, str, str]] = [
    ("no object", [], "result", "must be an object, not []"),
    ("options missing", {"rpcmethods": []}, "options", "must be an array, and is missing"),
    ("options no array", manifest(options={}), "options", "must be an array, not {}"),
    ("rpcmethods missing", {"options": []}, "rpcmethods", "must be an array, and is missing"),
    ("rpcmethods no array", manifest(rpcmethods=1), "rpcmethods", "must be an array, not 1"),
    ("option no object", manifest(options=["o"]), "options[0]", 'must be an object, not "o"'),
    (
        "option without name",
        manifest(options=[without(OPTION, "name")]),
        "options[0].name",
        "must be a string, and is missing",
    ),
    (
        "option without type",
        manifest(options=[without(OPTION, "type")]),
        "options[0] (o).type",
        "must be a string, and is missing",
    ),
    (
        "option without description",
        manifest(options=[without(OPTION, "description")]),
        "options[0] (o).description",
        "must be a string, and is missing",
    ),
    (
        "option's name",
        option(name="Greeting"),
        "options[0].name",
        "must consist of 0-9, a-z, '_' and '-', not 'Greeting'",
    ),
    ("option's empty name", option(name=""), "options[0].name", "must consist of"),
    ("option's type", option(type="float"), "options[0] (o).type", "must be one of string"),
    (
        "int default",
        option(type="int", default="abc"),
        "options[0] (o).default",
        'must be an integer, not "abc"',
    ),
    (
        "int default too large",
        option(type="int", default=2**63),
        "options[0] (o).default",
        "must fit into 64 bits",
    ),
    (
        "bool default",
        option(type="bool", default="maybe"),
        "options[0] (o).default",
        'must be true or false, not "maybe"',
    ),
    (
        "string default",
        option(default=["a"]),
        "options[0] (o).default",
        'must be a string, not ["a"]',
    ),
    (
        "flag default",
        option(type="flag", default=True),
        "options[0] (o).default",
        "a flag's default must be false, not true",
    ),
    (
        "multi flag",
        option(type="flag", multi=True),
        "options[0] (o).multi",
        "a flag cannot be given several times",
    ),
    (
        "multi bool",
        option(type="bool", multi=True),
        "options[0] (o).multi",
        "a bool cannot be given several times",
    ),
    (
        "option twice",
        manifest(options=[OPTION, OPTION]),
        "options[1].name",
        "option 'o' is registered twice",
    ),
    (
        "option taken",
        option(name="network"),
        "options[0].name",
        "option 'network' is already taken",
    ),
    (
        "method without name",
        manifest(rpcmethods=[without(METHOD, "name")]),
        "rpcmethods[0].name",
        "must be a string, and is missing",
    ),
    (
        "method without usage",
        manifest(rpcmethods=[without(METHOD, "usage")]),
        "rpcmethods[0] (m).usage",
        "must be a string, and is missing",
    ),
    (
        "method twice",
        manifest(rpcmethods=[METHOD, METHOD]),
        "rpcmethods[1].name",
        "method 'm' is registered twice",
    ),
    (
        "method taken",
        manifest(rpcmethods=[{**METHOD, "name": "getinfo"}]),
        "rpcmethods[0].name",
        "method 'getinfo' is already taken",
    ),
    (
        "hook unknown",
        manifest(hooks=["htlc_acepted"]),
        "hooks[0]",
        "there is no hook 'htlc_acepted'; did you mean 'htlc_accepted'?",
    ),
    ("hook twice", manifest(hooks=["recover", "recover"]), "hooks[1]", "registered twice"),
    ("hook no name", manifest(hooks=[5]), "hooks[0]", "must be a name or an object, not 5"),
    (
        "filters not taken",
        manifest(hooks=[{"name": "recover", "filters": []}]),
        "hooks[0] (recover).filters",
        "this hook takes none",
    ),
    (
        "filters' type",
        manifest(hooks=[{"name": "custommsg", "filters": ["pay"]}]),
        "hooks[0] (custommsg).filters[0]",
        'must be a message\'s number, not "pay"',
    ),
    (
        "native topic",
        manifest(notifications=[{"method": "connect"}]),
        "notifications[0].method",
        "'connect' is the daemon's own topic",
    ),
    (
        "topic no object",
        manifest(notifications=["connect"]),
        "notifications[0]",
        "must be an object",
    ),
    ("numeric ids", manifest(nonnumericids=False), "nonnumericids", "must not be false"),
    (
        "feature bits and dynamic",
        manifest(dynamic=True, featurebits={"node": "02"}),
        "featurebits",
        "a dynamic plugin cannot have any",
    ),
    (
        "feature bits clash",
        manifest(featurebits={"init": "02"}),
        "featurebits.init",
        "bits of 02 are announced already",
    ),
    (
        "feature bits no hex",
        manifest(featurebits={"node": "zz"}),
        "featurebits.node",
        "must be hexadecimal, not 'zz'",
    ),
    ("dynamic", manifest(dynamic="yes"), "dynamic", 'must be true or false, not "yes"'),
    ("subscriptions", manifest(subscriptions=[1]), "subscriptions[0]", "must be a string, not 1"),
    ("subscriptions no array", manifest(subscriptions="*"), "subscriptions", "must be an array"),
]


@pytest.mark.parametrize(
    ("result", "field", "rule"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(result: Any, field: str, rule: str) -> None:
    taken = ReservedNames(features={"init": "02"})
    with pytest.raises(ManifestError) as caught:
        check_manifest("p.py", json.dumps(result).encode(), taken)
    assert caught.value.field == field
    assert rule in caught.value.rule
    assert str(caught.value).startswith(f"plugin 'p.py': manifest refused: {field}: ")


def test_a_refused_plugin_is_killed(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            with pytest.raises(ManifestError, match="there is no hook 'x'"):
                await host.start(make('MANIFEST["hooks"] = ["x"]'))
            assert "was ended by the host" in host.remarks[-1].message

    asyncio.run(run())


def test_a_command_of_the_test_is_taken_too(make: MakePlugin) -> None:
    body = 'MANIFEST["rpcmethods"] = [{"name": "mine", "usage": ""}]'

    async def run() -> None:
        async with Host() as host:
            host.command("mine")({})
            with pytest.raises(ManifestError, match="method 'mine' is already taken"):
                await host.start(make(body))

    asyncio.run(run())


def test_accepted() -> None:
    text = json.dumps(
        manifest(
            options=[
                {**OPTION, "default": None},
                {**OPTION, "name": "int", "type": "int", "default": "7"},
                {**OPTION, "name": "flag", "type": "flag", "default": False},
                {**OPTION, "name": "many", "type": "int", "multi": True, "dynamic": True},
            ],
            rpcmethods=[METHOD],
            hooks=["recover", {"name": "rpc_command", "before": ["x"], "filters": ["pay"]}],
            subscriptions=["*", "connect", "no_such_topic"],
            notifications=[{"method": "mine"}],
            featurebits={"node": "8000"},
            nonnumericids=True,
            cancheck=True,
            unheard_of=1,
        )
    ).encode()
    accepted = check_manifest("p.py", text, ReservedNames())
    assert accepted.options["int"].default == 7
    assert accepted.options["many"].dynamic
    assert accepted.hooks["rpc_command"].before == ("x",)
    assert accepted.hooks["rpc_command"].filters == ("pay",)
    assert accepted.subscriptions == ["*", "connect", "no_such_topic"]
    assert accepted.topics == ["mine"]
    assert accepted.cancheck


def test_a_plugin_that_disables_itself_is_not_checked() -> None:
    assert check_manifest("p.py", b'{"disable":"why not"}', ReservedNames()).disable == "why not"


def test_a_string_default_keeps_its_escapes() -> None:
    option = rb'{"name":"o","type":"string","description":"d","default":"a\nb"}'
    text = b'{"rpcmethods":[],"options":[%s]}' % option
    assert check_manifest("p.py", text, ReservedNames()).options["o"].default == r"a\nb"
