"""Calls of the daemon's commands: a real unix socket, one connection, ids, errors, breaks."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clnwire.host.rules.samples import hook_sample
from tests.daemon import Daemon

PLUGIN = """
    @plugin.method("ask")
    def ask(method: str, params: dict | list | None = None):
        try:
            return {"result": plugin.rpc.call(method, params)}
        except RpcError as error:
            return {"code": error.code, "message": error.message, "data": error.data}
        except ConnectionLostError as error:
            return {"lost": str(error), "may_have_run": error.may_have_run}

    @plugin.method("ask-in-threads")
    def ask_in_threads(count: int):
        import threading
        answers = []
        def work(n):
            answers.append(plugin.rpc.call("echo", [n]))
        threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers)
"""


class Commands:
    """The daemon's socket: answers `echo`, `fail`, `progress`, and hangs up at `die`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connections = 0
        self.hanging = threading.Event()
        self.ids: list[Any] = []
        self._sockets: list[socket.socket] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        text = ""
        while True:
            try:
                data = connection.recv(65536)
            except OSError:
                return
            if not data:
                return
            text += data.decode()
            while text.strip():
                try:
                    request, end = json.JSONDecoder().raw_decode(text.lstrip())
                except json.JSONDecodeError:
                    break
                text = text.lstrip()[end:]
                self.ids.append(request["id"])
                answer = self._answer(request)
                if answer is None:
                    connection.close()
                    return
                connection.sendall(answer)

    def _answer(self, request: dict[str, Any]) -> bytes | None:
        if request["method"] == "die":
            return None
        if request["method"] == "hang":
            self.hanging.set()
            return b""
        if request["method"] == "odd-error":
            return json.dumps({"id": request["id"], "error": {"message": ["?"]}}).encode()
        if request["method"] == "null-error":
            return json.dumps({"id": request["id"], "error": None, "result": 1}).encode()
        if request["method"] == "fail":
            error = {"code": 205, "message": "no route", "data": {"hops": 3}}
            return json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()
        before = b""
        if request["method"] == "progress":
            progress = {"id": request["id"], "num": 0, "total": 2}
            before = json.dumps(
                {"jsonrpc": "2.0", "method": "progress", "params": progress}
            ).encode()
        reply = {"jsonrpc": "2.0", "id": request["id"], "result": request["params"]}
        return before + b"\n\n" + json.dumps(reply, indent=1).encode() + b"\n\n"

    def hang_up(self) -> None:
        while self._sockets:
            self._sockets.pop().close()

    def close(self) -> None:
        for opened in (self._server, *self._sockets):
            with contextlib.suppress(OSError):  # the plugin, or the test, closed it first
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    commands = Commands(tmp_path / "lightning-rpc")
    yield commands
    commands.close()


@pytest.fixture
def daemon(plugin: Callable[..., Daemon], commands: Commands) -> Daemon:
    daemon = plugin(PLUGIN)
    daemon.start(**{"lightning-dir": str(commands.path.parent)})
    return daemon


def test_results_and_errors(daemon, commands):
    assert daemon.call("ask", ["echo", {"a": [1]}]) == {"result": {"a": [1]}}
    assert daemon.call("ask", ["echo"]) == {"result": {}}
    assert daemon.call("ask", ["echo", [1, "x"]]) == {"result": [1, "x"]}
    assert daemon.call("ask", ["progress", [1]]) == {"result": [1]}
    assert daemon.call("ask", ["fail"]) == {
        "code": 205,
        "message": "no route",
        "data": {"hops": 3},
    }
    assert commands.connections == 1, "one connection serves all calls"


def test_ids_tell_who_called_and_why(daemon, commands):
    daemon.request("ask", ["echo"], token='"xyz/cln:ask#8"')
    daemon.request("ask", ["echo"], token="7")
    daemon.request("ask", ["echo"], token="1e999")
    daemon.request("ask", ["echo"], token='"\\ud800/cln:ask#9"')
    assert commands.ids == [
        "xyz/cln:ask#8/plugin_under_test.py:echo#1",
        "7/plugin_under_test.py:echo#2",
        "1e999/plugin_under_test.py:echo#3",
        '"\\ud800/cln:ask#9"/plugin_under_test.py:echo#4',
    ]


def test_a_connection_that_broke_is_replaced(daemon, commands):
    assert daemon.call("ask", ["echo", [1]]) == {"result": [1]}
    commands.hang_up()
    lost = daemon.call("ask", ["die"])
    assert lost["may_have_run"] is True
    assert "hung up" in lost["lost"] or "reset" in lost["lost"]
    assert daemon.call("ask", ["echo", [2]]) == {"result": [2]}
    assert commands.connections >= 2


def test_nobody_there(daemon, commands):
    commands.close()
    commands.path.unlink()
    lost = daemon.call("ask", ["echo"])
    assert lost["may_have_run"] is False
    assert str(commands.path) in lost["lost"]


@pytest.mark.promise(
    "`plugin.rpc` in a thread while a handler also calls",
    "each call has its own connection, and a handler never waits for a free one",
)
def test_a_handler_does_not_wait_for_a_thread(plugin, commands):
    """The daemon answers the thread's command only after the hook; the hook calls, too."""
    daemon = plugin(
        """
        import threading
        answers = []

        @plugin.method("start")
        def start():
            thread = threading.Thread(target=lambda: answers.append(plugin.rpc.call("hang")))
            thread.daemon = True
            thread.start()

        @plugin.hook("custommsg")
        def on_message(event):
            plugin.log(f"{plugin.rpc.call('echo', [1])}")
            return CONTINUE
        """
    )
    daemon.start(**{"lightning-dir": str(commands.path.parent)})
    daemon.call("start")
    assert commands.hanging.wait(20)
    assert daemon.call("custommsg", hook_sample("custommsg")) == {"result": "continue"}
    assert "info [1]" in daemon.log_text()
    assert daemon.hang_up() == 0


@pytest.mark.promise(
    "`plugin.rpc` in a handler of a plugin with `db_write`, or of one whose own `rpc_command`"
    " hook would be asked first",
    "`DeadlockError` at once: daemon and plugin would wait for each other",
)
@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ('@plugin.hook("db_write")', "in a plugin with db_write"),
        ('@plugin.hook("rpc_command")', "own rpc_command"),
        ('@plugin.hook("rpc_command", filters=["echo"])', "own rpc_command"),
    ],
)
def test_what_the_daemon_could_never_answer_raises(plugin, commands, hook, said):
    daemon = plugin(
        f"""
        {hook}
        def on_event(event):
            return CONTINUE

        @plugin.subscribe("go")
        def go(event):
            plugin.rpc.call("echo")
        """
    )
    daemon.start(**{"lightning-dir": str(commands.path.parent)})
    daemon.notify("go", {})
    assert daemon.hang_up() == 0
    assert said in daemon.log_text()
    assert commands.connections == 0


def test_filters_that_leave_the_method_out_are_fine(plugin, commands):
    daemon = plugin(
        PLUGIN
        + """
    @plugin.hook("rpc_command", filters=["pay"])
    def on_command(event):
        return CONTINUE
    """
    )
    daemon.start(**{"lightning-dir": str(commands.path.parent)})
    assert daemon.call("ask", ["echo", [1]]) == {"result": [1]}


def test_odd_errors(daemon):
    assert daemon.call("ask", ["odd-error"])["message"] == "['?']"
    assert daemon.call("ask", ["null-error"]) == {"result": 1}


def test_large_params_and_replies(daemon):
    large = ["x" * 3_000_000]
    assert daemon.call("ask", ["echo", large]) == {"result": large}


def test_threads_call_side_by_side(daemon, commands):
    assert daemon.call("ask-in-threads", [40]) == [[n] for n in range(40)]
    assert 1 <= commands.connections <= 16, "as many as there were calls at a time, up to a bound"
    assert len(set(commands.ids)) == 40
