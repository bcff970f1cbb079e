"""What callers, plugins and ends do to a real node, which has to live and keep its data."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.terminal import is_running
from tests.host.refusals import OUTCOMES, SILENT, outcome
from tests.node.node import PATIENCE, Node, RealNode, script, until

HEAD = "from clnwire import Plugin\nfrom clnwire.hooks import *\n\nplugin = Plugin()\n"

MALFORMED = [
    b"[203.0.113.7]",
    b"[123456x1x0]",
    b"[0x10]",
    b"[010]",
    b"[1,]",
    b'["a" "b"]',
    b"[nan]",
    b"[-Infinity]",
    b'["a\tb"]',
    b'["a\nb"]',
    b"[1\n\n,2 3]",
    b'[1:2\n\n{"jsonrpc":"2.0","method":"shutdown"}\n\n]',
    b'{"a":1:"\n\n,"b":{"jsonrpc":"2.0","id":1,"method":"ban","params":["x"]}}',
]
"""Params that are not JSON, and that lightningd forwards."""

METHOD = """
@plugin.method("ban")
def ban(address: str) -> dict[str, str]:
    return {"banned": address}

plugin.run()
"""

GUARD = """
@plugin.hook("rpc_command", filters=["withdraw", "ban"])
def guard(event):
    return RpcCommandReturn.error(-1, "refused by the guard")

plugin.run()
"""

WATCHER = """
@plugin.hook("invoice_payment")
def on_payment(event):
    return CONTINUE

@plugin.subscribe("invoice_creation")
def on_creation(event):
    plugin.log.info(f"created {event!r}")

plugin.run()
"""

GATE = """
@plugin.hook("rpc_command", filters=["listpeers"])
async def hold(event: RpcCommand):
    plugin.log.info("holds it")
    await plugin.stopping
    return RpcCommandReturn.error(-1, "held until the end")

plugin.run()
"""

COPY = """
import sys

@plugin.hook("db_write")
def on_write(event):
    with open({versions!r}, "a") as file:
        print(event.data_version, file=file)
    print("\u26a1", *event.writes)
    return CONTINUE

@plugin.on_shutdown
def on_shutdown():
    plugin.log.info("goodbye")

plugin.run()
"""

PID = """
import os

@plugin.method("{name}")
def pid():
    return os.getpid()

@plugin.on_shutdown
def on_shutdown():
    open(__file__ + ".goodbye", "w").close()

plugin.run()
"""


@pytest.mark.promise(
    "callers of a real node send malformed arguments",
    "each costs its own call alone; the node and the plugin live",
)
def test_a_malformed_argument_costs_its_own_call_alone(node: Node, folder: Path) -> None:
    plugin = script(folder / "method.py", HEAD + METHOD)
    node.start(important=(plugin,))
    for params in MALFORMED:
        error = node.call_with("ban", params)["error"]
        assert error["code"] in (-32700, -32600, -32602), (params, error)
        assert node.call("ban", ["203.0.113.7"]) == {"banned": "203.0.113.7"}


@pytest.mark.promise("callers of a real node send malformed arguments")
def test_a_guard_is_not_passed_by_what_it_cannot_read(node: Node, folder: Path) -> None:
    node.start(
        plugins=(script(folder / "method.py", HEAD + METHOD),),
        important=(script(folder / "guard.py", HEAD + GUARD),),
    )
    for params in (*MALFORMED, b'["\\ud800"]', b"[1e999]", b"[" * 5000 + b"]" * 5000):
        reply = node.call_with("ban", params)
        assert "result" not in reply, (params, reply)
    for token in (b'"\\ud800"', b"1e999", b"-0.0"):
        reply = node.call_with("withdraw", b'["bcrt1qxyz", "all"]', token)
        assert reply["error"]["message"] == "refused by the guard", (token, reply)
    assert node.is_alive


def test_labels_that_are_no_text_reach_subscribers(node: Node, folder: Path) -> None:
    node.start(important=(script(folder / "watcher.py", HEAD + WATCHER),))
    for label in (b'"tip \\ud83d"', b'"a\tb"'):
        node.invoice(label)
    until(lambda: "created InvoiceCreation" in node.log)
    assert node.call("getinfo")["network"] == "regtest"


@pytest.mark.parametrize(
    "body",
    [
        'raise ValueError("e" * 300_000)',
        'plugin.log("e" * 600_000)',
        'print("e" * 600_000)',
        'import sys; print("e" * 600_000, file=sys.stderr)',
    ],
)
def test_a_long_log_line_does_not_end_the_node(node: Node, folder: Path, body: str) -> None:
    source = f'{HEAD}\n@plugin.method("long")\ndef long():\n    {body}\n\nplugin.run()\n'
    node.start(important=(script(folder / "long.py", source),))
    node.answer("long")
    until(lambda: "eeee" in node.log)
    assert node.call("getinfo")["network"] == "regtest"


def test_the_log_tells_why_a_plugin_died(node: Node, folder: Path) -> None:
    dying = script(folder / "dying.py", HEAD + "import nowhere_to_be_found\n\nplugin.run()\n")
    living = script(folder / "living.py", HEAD + METHOD)
    node.start(plugins=(dying, living))
    until(lambda: "plugin-dying.py: ModuleNotFoundError" in node.log)


def test_what_is_held_is_answered_at_plugin_stop(node: Node, folder: Path) -> None:
    gate = script(folder / "gate.py", HEAD + GATE)
    node.start(plugins=(gate,))
    replies: list[dict[str, object]] = []
    caller = threading.Thread(target=lambda: replies.append(node.answer("listpeers")))
    caller.start()
    until(lambda: "holds it" in node.log)
    node.call("plugin", {"subcommand": "stop", "plugin": str(gate)})
    caller.join(PATIENCE)
    assert [reply.get("error") for reply in replies] == [
        {"code": -1, "message": "held until the end"}
    ]


@pytest.mark.promise("a real node is stopped while it writes", "no write is lost")
@pytest.mark.parametrize("is_busy", [False, True], ids=["calm", "busy"])
def test_a_stop_loses_no_write(
    node: Node, folder: Path, is_busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The copy prints a sign that this encoding lacks: that must not fail a write.
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    versions = folder / "versions"
    copy = script(folder / "copy.py", HEAD + COPY.format(versions=str(versions)))
    node.start(important=(copy,))
    writers = [threading.Thread(target=_write, args=(node,)) for _ in range(4 * is_busy)]
    for writer in writers:
        writer.start()
    node.write()
    assert node.stop() == 0
    for writer in writers:
        writer.join()
    assert int(versions.read_text().split()[-1]) == node.committed
    assert "goodbye" in node.log


def _write(node: Node) -> None:
    """Writes until the node does not answer any more."""
    while node.is_alive:
        try:
            node.write()
        except (OSError, AssertionError, ValueError):
            return


def test_texts_that_are_no_json(node: Node) -> None:
    """What the host's tests expect of lightningd is what it does."""
    node.start()

    def ask(text: bytes, expected: str) -> str:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(PATIENCE)
            caller.connect(str(node.socket))
            caller.sendall(text)
            if expected == "waits":
                # Of one that it would answer it would lose the answer.
                caller.shutdown(socket.SHUT_WR)
            reply = b""
            # It does not end a connection whose text it has refused.
            while not reply.endswith(b"\n\n") and (data := caller.recv(1 << 16)):
                reply += data
            return outcome(reply)

    is_real = isinstance(node, RealNode)
    expected = OUTCOMES | (dict.fromkeys(SILENT, "waits") if is_real else SILENT)
    assert {text: ask(text, expected[text]) for text in expected} == expected


@pytest.mark.parametrize("is_important", [True, False], ids=["important", "plain"])
def test_a_node_ends_with_an_important_plugin_alone(
    node: Node, folder: Path, is_important: bool
) -> None:
    dying, living = (
        script(folder / f"{name}.py", HEAD + PID.format(name=name)) for name in ("dying", "living")
    )
    if is_important:
        node.start(plugins=(living,), important=(dying,))
    else:
        node.start(plugins=(living, dying))
    os.kill(node.call("dying"), signal.SIGKILL)
    assert node.process is not None
    if is_important:
        assert node.process.wait(PATIENCE) != 0
    else:
        until(lambda: "Unknown command" in str(node.answer("dying")))
        assert node.call("living")
        assert node.stop() == 0


def test_a_killed_node_leaves_no_plugin(node: Node, folder: Path) -> None:
    plugin = script(folder / "kept.py", HEAD + PID.format(name="kept"))
    node.start(plugins=(plugin,))
    pid = node.call("kept")
    node.kill()
    until(lambda: not is_running(pid))
    assert Path(f"{plugin}.goodbye").exists()


@pytest.mark.needs_node("it has no such switch")
def test_a_node_that_is_not_for_developers(node: Node, folder: Path) -> None:
    assert isinstance(node, RealNode)
    node.is_for_developers = False
    node.start(important=(script(folder / "method.py", HEAD + METHOD),))
    assert node.call("ban", ["203.0.113.7"]) == {"banned": "203.0.113.7"}
    assert node.call("listconfigs", ["developer"])["configs"]["developer"]["set"] is False
    assert node.stop() == 0


def test_two_guards_of_one_command_end_the_node(node: Node, folder: Path) -> None:
    """Of lightningd it is a fault. That the host does not hide it is the point."""
    node.start(plugins=tuple(script(folder / f"{n}.py", HEAD + GUARD) for n in ("one", "two")))
    with suppress(OSError, ValueError):
        node.answer("withdraw", ["bcrt1qxyz", "all"])
    assert node.process is not None
    assert node.process.wait(PATIENCE) != 0
