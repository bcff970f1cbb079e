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
    assert commands.ids == [
        "xyz/cln:ask#8/plugin_under_test.py:echo#1",
        "7/plugin_under_test.py:echo#2",
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


def test_large_params_and_replies(daemon):
    large = ["x" * 3_000_000]
    assert daemon.call("ask", ["echo", large]) == {"result": large}


def test_threads_take_turns(daemon, commands):
    assert daemon.call("ask-in-threads", [20]) == [[n] for n in range(20)]
    assert commands.connections == 1
    assert len(set(commands.ids)) == 20
