"""`clnwire fire` and `clnwire hook` against a running host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from tests.cli.terminal import Running, clnwire, one_line, short_folder
from tests.host.raw import write_plugin

PLUGIN = """
MANIFEST["subscriptions"] = ["*"]
MANIFEST["hooks"] = ["peer_connected", "openchannel2_changed", "db_write"]
MANIFEST["options"] = []

def notified(message, before=notified):
    if message["method"] != "shutdown":
        log("heard " + message["TEXT"])
    before(message)

def answer(message):
    log("asked " + message["method"] + " " + json.dumps(message["params"]))
    if message["method"] == "peer_connected" and message["params"].get("peer", {}).get("bad"):
        return {"result": "disconnect", "error_message": "bad"}
    return {"result": "continue"}
"""

folder = pytest.fixture(short_folder)


@pytest.fixture
def host(folder: Path) -> Iterator[Running]:
    with Running(folder, f"--plugin={write_plugin(folder, PLUGIN)}") as host:
        yield host.ready()


def printed(host: Running, command: str, *words: str) -> Any:
    done = host.call(*words, command=command)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_notification_with_a_sample(host: Running) -> None:
    shown = printed(host, "fire", "connect")
    assert (shown["topic"], shown["sent"]) == ("connect", 1)
    line = host.until('"connect"')
    heard = json.loads(line.partition("heard ")[2])
    assert heard["params"] == {"connect": shown["payload"]}


def test_a_notification_with_a_payload(host: Running) -> None:
    assert printed(host, "fire", "block_added", '{"height": 18446744073709551615}')["sent"] == 1
    assert '{"block_added":{"height":18446744073709551615}}' in host.until('"block_added"')
    assert printed(host, "fire", "mine", "[1]")["sent"] == 1
    assert '"origin":"clnwire","params":[1]' in host.until('"mine"')
    assert printed(host, "fire", "mine", "null")["payload"] is None
    assert '"origin":"clnwire","params":null' in host.until('"mine"')


def test_a_hook(host: Running) -> None:
    assert printed(host, "hook", "peer_connected") == {"result": "continue"}
    assert '"peer": {"id": "02c6' in host.until("asked peer_connected")
    answer = printed(host, "hook", "peer_connected", '{"peer": {"bad": true}}')
    assert answer == {"result": "disconnect", "error_message": "bad"}


def test_db_write_carries_the_next_version(host: Running) -> None:
    first = printed(host, "hook", "db_write")["data_version"]
    assert printed(host, "hook", "db_write")["data_version"] == first + 1
    assert f'"data_version": {first + 1}' in host.until(f'"data_version": {first + 1}')


def test_a_replica_can_follow_from_one_run_to_the_next(folder: Path) -> None:
    replica = Path(__file__).resolve().parents[2] / "examples" / "replica.py"
    versions: list[int] = []
    for _ in range(3):
        with Running(folder, f"--plugin={replica}") as host:
            host.ready()
            versions += [printed(host, "hook", "db_write")["data_version"] for _ in range(2)]
            host.ctrl_c()
            assert host.ended()[0] == 0
    # The first end commits a set, and so does each later start.
    assert [version - versions[0] for version in versions] == [0, 1, 4, 5, 7, 8]


def test_a_fatal_answer_ends_the_host(host: Running) -> None:
    said = one_line(host.call("openchannel2_changed", command="hook"), 1)
    assert '"psbt" is missing' in said
    status, _, errors = host.ended()
    assert status == 1
    assert "openchannel2_changed" in errors
    assert errors.count("\n") == 1


def test_names_that_nobody_has(host: Running) -> None:
    said = one_line(host.call("conect", command="fire"), 1)
    assert said == (
        "clnwire fire: there is no sample for the topic 'conect'; did you mean 'connect'?\n"
    )
    assert "give a payload" in one_line(host.call("mine", command="fire"), 1)
    assert "has not registered the hook" in one_line(host.call("recover", command="hook"), 1)
    assert "not JSON" in one_line(host.call("connect", "{", command="fire"), 2)
    assert "topic: must be a string" in host.call("clnwire-fire").stderr


def test_nobody_hears_it(folder: Path) -> None:
    plugin = write_plugin(folder, 'MANIFEST["subscriptions"] = ["connect"]')
    with Running(folder, plugin) as host:
        host.ready()
        said = one_line(host.call("block_added", command="fire"), 1)
        assert said == (
            "clnwire fire: no plugin has subscribed to 'block_added'; "
            "the plugins subscribe to connect\n"
        )
        said = one_line(host.call("conect", "{}", command="fire"), 1)
        assert said.endswith("no plugin has subscribed to 'conect'; did you mean 'connect'?\n")
        host.call("stop")
    with Running(folder) as host:
        host.ready()
        said = one_line(host.call("connect", command="fire"), 1)
        assert said.endswith("subscribe to it and restart the plugin\n")


def test_2019(folder: Path) -> None:
    body = 'MANIFEST["subscriptions"] = ["connect"]\nMANIFEST["hooks"] = ["invoice_payment"]\n'
    body += 'def notified(message):\n    log("heard " + message["TEXT"])\n'
    plugin = write_plugin(folder, f"{body}def answer(message):\n    return {{}}")
    with Running(folder, f"--plugin={plugin}", "--dialect=2019") as host:
        host.ready()
        assert printed(host, "fire", "connect")["sent"] == 1
        assert '"address":"203.0.113.7","port":9735}}' in host.until("heard")
        assert printed(host, "hook", "invoice_payment") == {}
        assert "of 2019" in host.call("recover", command="hook").stderr


@pytest.mark.parametrize("command", ["fire", "hook"])
def test_without_a_host(folder: Path, command: str) -> None:
    done = clnwire(command, "connect", "--lightning-dir", folder)
    assert "no daemon answers" in one_line(done, 2)
