"""docs/pyln.md has all of pyln-client, names what clnwire really has, and its examples agree."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from functools import cache

import pytest

import clnwire
from clnwire import types
from clnwire.rpc import Rpc, connect
from tests.daemon import Daemon
from tests.docs.pages import DOCS, ROOT, blocks

PAGE = DOCS / "pyln.md"
TEXT = PAGE.read_text()
CELL = re.compile(r"`([^`]+)`")
EXAMPLES = blocks(PAGE, "python")
LISTED = """
import inspect, json
import pyln.client as client
from pyln.client.lightning import UnixDomainSocketRpc
from pyln.client.plugin import Option, Request

plugin = client.Plugin(autopatch=False)
shown = {
    client.Plugin: plugin,
    Request: Request(plugin, "1", "m", {}),
    Option: Option("o", None, None, "string", None, False, False, False, None),
    client.LightningRpc: client.LightningRpc("nowhere"),
    client.Millisatoshi: client.Millisatoshi(1),
    client.RpcError: client.RpcError("m", {}, "e"),
    client.RpcException: client.RpcException("m"),
}
names = set(client.__all__)
for kind, instance in shown.items():
    members = {*vars(kind), *vars(instance)}
    if kind is client.LightningRpc:
        members |= {*vars(UnixDomainSocketRpc)}
    names |= {f"{kind.__name__}.{member}" for member in members if member[0] != "_"}
parameters = {
    name: [
        each.name
        for each in list(inspect.signature(method).parameters.values())[1:]
        if each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    for name, method in vars(client.LightningRpc).items()
    if name[0] != "_"
}
print(json.dumps([sorted(names), parameters]))
"""


@cache
def pyln() -> tuple[set[str], dict[str, list[str]]]:
    """The names that pyln-client offers, and the parameters of its commands.

    In a process of its own, since importing it teaches `json` about `to_json`.
    """
    has_it = subprocess.run(
        [sys.executable, "-c", "import pyln.client"], capture_output=True, check=False
    )
    if has_it.returncode:
        pytest.skip("needs pyln-client: make .venv/bench.stamp")
    run = subprocess.run([sys.executable, "-c", LISTED], check=True, capture_output=True, text=True)
    names, parameters = json.loads(run.stdout)
    return set(names), parameters


@cache
def commands() -> dict[str, list[str]]:
    """The typed commands and their parameters, as type checkers know them."""
    stub = ROOT / "python/clnwire/commands/_blocking.pyi"
    (kind,) = [node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ClassDef)]
    return {
        each.name: [argument.arg for argument in [*each.args.args[1:], *each.args.kwonlyargs]]
        for each in kind.body
        if isinstance(each, ast.FunctionDef)
    }


def rows() -> list[list[str]]:
    """The cells of all tables."""
    lines = re.findall(r"^\| (`.+|[+].+) \|$", TEXT, re.MULTILINE)
    return [line.split(" | ") for line in lines]


def same_names() -> set[str]:
    """The commands that the page says have the same name."""
    paragraph = re.search(r"^The others have the same names.*?:\n(.*?)\.$", TEXT, re.M | re.S)
    assert paragraph is not None
    return set(CELL.findall(paragraph[1]))


def test_all_of_pyln_client_is_there_and_nothing_else():
    names, _ = pyln()
    first_column = {name for row in rows() if len(row) == 2 for name in CELL.findall(row[0])}
    named = {name for name in first_column if re.fullmatch(r"[\w.]+", name)}
    named |= {f"LightningRpc.{name}" for name in same_names()}
    # Set when the daemon asks for the manifest, or when a request is answered.
    late = {"Plugin.deprecated_apis", "Request.result", "Request.exc"}
    classes = {"Plugin", "LightningRpc", "Millisatoshi"}
    assert sorted(names - named - classes) == []
    assert sorted(named - names - late) == []
    assert all(f"`{kind}(" in TEXT for kind in classes)


def test_the_same_names_are_the_same_and_all_others_are_listed():
    _, parameters = pyln()
    assert same_names() == set(parameters) & set(commands())


def test_the_parameters_that_have_other_names_are_listed():
    _, parameters = pyln()
    renamed = renamed_parameters()
    for name in same_names():
        ours = commands()[name]
        theirs = [renamed.get((name, each), each) for each in parameters[name]]
        unknown = {"urgent", "normal", "slow"} if name == "feerates" else set()
        assert set(theirs) - set(ours) == unknown, name
    for name, old in renamed:
        assert old in parameters[name], f"{name} has no {old}"


def renamed_parameters() -> dict[tuple[str, str], str]:
    renamed = {}
    for row in rows():
        if len(row) == 3:
            ((old,), (new,), names) = (CELL.findall(cell) for cell in row)
            renamed.update({(name, old): new for name in names})
    assert renamed
    return renamed


def test_the_commands_whose_order_is_another_are_listed():
    _, parameters = pyln()
    sentence = re.search(r"differs from pyln-client's in\s(.*?): pass", TEXT, re.S)
    assert sentence is not None
    renamed = renamed_parameters()
    other = []
    for name in same_names() - {"feerates"}:
        theirs = [renamed.get((name, each), each) for each in parameters[name]]
        if theirs != commands()[name][: len(theirs)]:
            other.append(name)
    assert sorted(CELL.findall(sentence[1])) == sorted(other)


def test_the_counterparts_exist():
    counterparts = [name for row in rows() if len(row) == 2 for name in CELL.findall(row[1])]
    assert len(counterparts) > 60
    plugin = clnwire.Plugin()
    known = {
        "plugin.rpc.": lambda name: name in commands() or hasattr(Rpc, name),
        "plugin.": lambda name: hasattr(clnwire.Plugin, name) or hasattr(plugin, name),
        "request.": lambda name: hasattr(clnwire.Request, name),
        "Notification.": lambda name: hasattr(clnwire.Notification, name),
        "clnwire.types.": lambda name: hasattr(types, name),
        "clnwire.rpc.": lambda name: name == connect.__name__,
        "clnwire.": lambda name: hasattr(clnwire, name),
    }
    for counterpart in counterparts:
        for prefix, exists in known.items():
            if counterpart.startswith(prefix):
                name = re.match(r"\w+", counterpart.removeprefix(prefix))
                assert name is not None, counterpart
                assert exists(name[0]), counterpart
                break


def test_the_names_of_the_configuration_exist():
    from clnwire.messages import Configuration

    for name in re.findall(r"plugin\.configuration\.(\w+)", TEXT):
        assert name in Configuration.__struct_fields__, name


@pytest.mark.parametrize(
    ("before", "after"), [*zip(EXAMPLES[::2], EXAMPLES[1::2], strict=True)], ids=str
)
def test_an_example_does_the_same_before_and_after(tmp_path, before, after):
    assert "pyln.client" in before.text
    assert "pyln" not in after.text
    pyln()
    shown = [behaviour(tmp_path, block.text) for block in (before, after)]
    assert shown[0] == shown[1]
    assert any(shown[0])


HTLC = {"onion": {"payload": "", "next_onion": "", "shared_secret": "00" * 32}}


def htlc(amount_msat: int) -> dict[str, object]:
    there = {"short_channel_id": "1x1x1", "id": 1, "cltv_expiry": 9, "cltv_expiry_relative": 9}
    return {**HTLC, "htlc": {**there, "amount_msat": amount_msat, "payment_hash": "00" * 32}}


def behaviour(folder, source: str) -> list[object]:
    """What a plugin offers, answers, publishes and logs."""
    path = folder / "plugin.py"
    path.write_text(source)
    daemon = Daemon(path)
    try:
        manifest = daemon.getmanifest()
        daemon.init({option["name"]: "Hi" for option in manifest["options"]})
        answers = [answer(daemon, method["name"]) for method in manifest["rpcmethods"]]
        hooks = [each if isinstance(each, str) else each["name"] for each in manifest["hooks"]]
        if "htlc_accepted" in hooks:
            answers += [daemon.call("htlc_accepted", htlc(amount)) for amount in (9_999, 10_000)]
        if "connect" in manifest["subscriptions"]:
            peer = {"id": "02" * 33, "direction": "in", "address": {"type": "ipv4"}}
            daemon.notify("connect", peer)
        assert daemon.hang_up() == 0
        offered = [[option["name"] for option in manifest["options"]], hooks]
        return [*offered, manifest["subscriptions"], answers, published(daemon), own_lines(daemon)]
    finally:
        daemon.close()


def answer(daemon: Daemon, method: str) -> list[object]:
    """A method's result without parameters, and its refusal of an empty name."""
    refused = daemon.request(method, [""]) if method == "hello" else {}
    error = refused.get("error", {})
    return [daemon.call(method, {}), error.get("code"), error.get("message")]


def published(daemon: Daemon) -> list[object]:
    """Topics and payloads, without the second one that pyln-client puts under the topic's name."""
    topics = [each["method"] for each in daemon.notifications]
    payloads = [each["params"] for each in daemon.notifications]
    return [
        (topic, {name: value for name, value in payload.items() if name != topic})
        for topic, payload in zip(topics, payloads, strict=True)
    ]


def own_lines(daemon: Daemon) -> list[str]:
    """What the plugin itself has logged: pyln-client adds a traceback of what was refused."""
    lines = [line["message"] for line in daemon.logs]
    return [line for line in lines if re.fullmatch(r"ready on \w+|\w+ is connected", line)]
