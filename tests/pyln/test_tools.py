"""clnwire's tools with plugins of pyln-client: check, record, replay, the fixtures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

import clnwire
from clnwire.replay.differences import compare_bytes, compare_replies
from tests.cli.terminal import python

pytestmark = pytest.mark.process

FOLDER = Path(clnwire.__file__).parent / "pyln" / "path"
PLUGIN = """#!/usr/bin/env python3
import pyln.client
from pyln.client import Plugin, RpcException

plugin = Plugin()
plugin.add_option("greeting", "Hello", "How to greet")


@plugin.method("hello")
def hello(plugin, name="World"):
    plugin.log(f"greets {name}")
    if not name:
        raise RpcException("an empty name", code=-5)
    return {"said": f"{plugin.get_option('greeting')} {name}"}


@plugin.method("on")
def on(plugin):
    return plugin.run.__module__


@plugin.hook("htlc_accepted")
def accept(onion, htlc, plugin, **kwargs):
    return {"result": "continue"}


plugin.run()
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "plugin.py"
    path.write_text(PLUGIN)
    path.chmod(0o755)
    return path


def command_line(*words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "clnwire", *words, **env)


def test_check_finds_nothing_with_the_drop_in(plugin: Path):
    done = command_line("check", plugin, "--call", "*", PYTHONPATH=str(FOLDER))
    assert done.stdout.endswith("s)\n")
    assert "plugin.py: all checks passed" in done.stdout


def test_check_shows_what_differs_from_pyln_client(plugin: Path):
    pytest.importorskip("pyln.client", reason="needs the dependency group: bench")
    # A blank line and a message that is no JSON end the original.
    words = ["check", plugin, "--with-pyln", "--json", "--call", "on", "--call", 'hello=[""]']
    done = command_line(*words)
    assert done.returncode == 1, done.stderr
    found = {each["where"]: each for each in json.loads(done.stdout)["differences"]}
    on = found.pop("on result")
    assert (on["pyln_client"], on["clnwire"]) == ('"pyln.client.plugin"', '"clnwire.pyln.plugin"')
    assert set(found) == {"CW503 start", "CW504 messages"}
    shown = command_line(*words[:3], "--select", "CW1").stdout
    assert shown.startswith("plugin.py: no difference; ")


def test_a_recorded_conversation_is_played_to_the_byte(plugin: Path, tmp_path: Path):
    capture = tmp_path / "capture.jsonl"
    env = {**os.environ, "PYTHONPATH": str(FOLDER), "LIGHTNINGD_PLUGIN": "1"}
    recorder = [sys.executable, "-m", "clnwire", "record", "-o", str(capture), "--", str(plugin)]
    asked = [
        ("getmanifest", {"allow-deprecated-apis": False}),
        ("init", {"options": {"greeting": "Hi"}, "configuration": CONFIGURATION}),
        ("hello", ["Rusty"]),
        ("hello", {"name": "世界"}),
    ]
    messages = [
        {"jsonrpc": "2.0", "id": f"test:{method}#{number}", "method": method, "params": params}
        for number, (method, params) in enumerate(asked)
    ]
    text = "".join(f"{json.dumps(message)}\n\n" for message in messages)
    done = subprocess.run(
        recorder, input=text.encode(), capture_output=True, env=env, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    words = ["replay", capture, "--diff", "--bytes", "--", plugin]
    same = command_line(*words, PYTHONPATH=str(FOLDER))
    assert same.returncode == 0, same.stdout + same.stderr
    assert "no difference in 4 answers" in same.stdout
    # The same values in another order of members.
    plugin.write_text(PLUGIN.replace('{"said": ', '{"and": 1, "said": '))
    assert command_line(*words, PYTHONPATH=str(FOLDER)).returncode == 1


CONFIGURATION = {
    "lightning-dir": "/tmp",
    "rpc-file": "lightning-rpc",
    "startup": True,
    "network": "regtest",
    "feature_set": {"init": "80", "node": "80", "channel": "", "invoice": "02"},
}


def test_bytes_differ_where_values_do_not():
    def reply(result: str) -> bytes:
        return b'{"jsonrpc": "2.0", "id": 1, "result": %s}' % result.encode()

    one = reply('{"a": 1, "b": 2}')
    for other in ('{"b": 2, "a": 1}', '{"a":1,"b":2}', '{"a": 1.0, "b": 2}'):
        assert compare_replies(one, reply(other)) == []
        (change,) = compare_bytes(one, reply(other))
        assert change.path.startswith("byte ")
        assert change.recorded != change.got
    assert compare_bytes(one, one) == []
    assert compare_bytes(one, reply('{"a": 1, "b": 3}'), ["b"]) == []
    (change,) = compare_bytes(one, reply('{"a": 1, "b": 3}'))
    assert change.path == "result.b"


FIXTURES = """
from clnwire.testing import RunPlugin


def test_greets(run_plugin: RunPlugin) -> None:
    plugin = run_plugin("plugin.py", {"greeting": "Hi"})
    assert plugin.call("hello", {"name": "Rusty"}) == {"said": "Hi Rusty"}
    plugin.wait_for_log("greets Rusty")
    assert plugin.call("on") == "clnwire.pyln.plugin"
"""


def test_the_fixtures_run_it(plugin: Path):
    (plugin.parent / "test_plugin.py").write_text(FIXTURES)
    env = {**os.environ, "PYTHONPATH": str(FOLDER)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_plugin.py"]
    done = subprocess.run(
        command, cwd=plugin.parent, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_it_is_measured_as_the_original_is(plugin: Path):
    pytest.importorskip("pyln.client", reason="needs the dependency group: bench")
    words = ["bench", plugin, "--rounds=1", "--seconds=0.05", "--json"]
    for env in ({}, {"PYTHONPATH": str(FOLDER)}):
        done = command_line(*words, "--method=hello", "--hook=htlc_accepted", **env)
        assert (done.returncode, done.stderr) == (0, "")
        assert set(json.loads(done.stdout)["rows"]) == {"method hello", "hook htlc_accepted"}
