"""Calls share connections where that changes nothing but their speed."""

from __future__ import annotations

import copy
import json
import os
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final

import pytest

from clnwire.pyln import connections, unix_socket
from clnwire.pyln.connections import MOST, Connections
from tests.pyln.both import own, own_lightning, unlogged
from tests.pyln.test_client import Daemon, ok


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connections, "are_kept", True)  # A plugin that ended here has unset it.


@pytest.fixture
def daemon(tmp_path: Path) -> Generator[Daemon]:
    made = Daemon(str(tmp_path / "rpc"))
    yield made
    made.close()


@pytest.fixture
def rpc(daemon: Daemon) -> Any:
    return own.LightningRpc(daemon.path)


def test_calls_share_a_connection(daemon: Daemon, rpc: Any) -> None:
    for _ in range(5):
        assert rpc.call("getinfo") == {}
    assert (daemon.connected, len(daemon.received)) == (1, 5)


def test_calls_at_the_same_time_do_not(daemon: Daemon, rpc: Any) -> None:
    width = MOST + 2
    barrier = threading.Barrier(width)

    def reply(request: dict[str, Any]) -> bytes:
        barrier.wait()  # All requests are here before one is answered.
        return ok(request)

    daemon.reply = reply
    for _ in range(2):
        threads = [threading.Thread(target=rpc.call, args=("getinfo",)) for _ in range(width)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert daemon.connected == 2 * width - MOST


def test_an_error_leaves_the_connection_usable(daemon: Daemon, rpc: Any) -> None:
    daemon.reply = lambda request: (
        json.dumps({"id": request["id"], "error": {"code": -1}}).encode() + b"\n\n"
    )
    for _ in range(2):
        with pytest.raises(own.RpcError, match="'code': -1"):
            rpc.call("getinfo")
    assert daemon.connected == 1


def test_one_that_the_daemon_has_closed_is_not_used(daemon: Daemon, rpc: Any) -> None:
    rpc.call("first")
    daemon.hang_up()
    rpc.call("second")
    assert _methods(daemon) == ["first", "second"]
    assert daemon.connected == 2


def test_one_that_is_closed_before_the_request_is_whole(
    daemon: Daemon, rpc: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rpc.call("first")
    daemon.hang_up()
    closed_after_the_look: Callable[[Any], bool] = lambda kept: True  # noqa: E731
    monkeypatch.setattr(connections, "_is_open", closed_after_the_look)
    rpc.call("second")
    assert _methods(daemon) == ["first", "second"]


def test_a_request_that_may_have_been_read_is_not_sent_again(daemon: Daemon, rpc: Any) -> None:
    rpc.call("first")
    daemon.reply = lambda request: b""  # And the end.
    with pytest.raises(own.RpcError, match="RPC server lost"):
        rpc.call("second")
    assert _methods(daemon) == ["first", "second"]


def test_a_daemon_that_starts_again(daemon: Daemon, rpc: Any) -> None:
    rpc.call("first")
    daemon.close()
    with pytest.raises(ConnectionRefusedError):
        rpc.call("second")
    Path(daemon.path).unlink()
    with pytest.raises(FileNotFoundError):
        rpc.call("second")
    again = Daemon(daemon.path)
    try:
        rpc.call("second")
        assert _methods(again) == ["second"]
    finally:
        again.close()


def _methods(daemon: Daemon) -> list[str]:
    return [json.loads(request)["method"] for request in daemon.received]


def in_notify(rpc: Any) -> None:
    with rpc.notify(dict):
        rpc.call("getinfo")


CHANGING: Final[dict[str, Callable[[Any], Any]]] = {
    "batching": lambda rpc: rpc.batching(enable=True),
    "deprecations": lambda rpc: rpc.call("deprecations", [False]),
    "notifications": lambda rpc: rpc.call("notifications", {"enable": True}),
    "notify": in_notify,
}


@pytest.mark.parametrize("change", [pytest.param(use, id=name) for name, use in CHANGING.items()])
def test_what_a_connection_was_told_is_not_for_other_calls(
    daemon: Daemon, rpc: Any, change: Callable[[Any], Any]
) -> None:
    rpc.call("getinfo")
    change(rpc)
    assert daemon.connected == 2
    rpc.call("getinfo")
    change(rpc)
    assert daemon.connected == 3


def test_what_nobody_asked_for_is_not_read_as_a_reply(daemon: Daemon, rpc: Any) -> None:
    more = b'{"jsonrpc": "2.0", "method": "message", "id": 1, "params": {}}\n\n'
    daemon.reply = lambda request: ok(request) + more
    for number in range(3):
        assert rpc.call("getinfo") == {}
        assert daemon.connected == number + 1


def test_another_path(daemon: Daemon, rpc: Any, tmp_path: Path) -> None:
    other = Daemon(str(tmp_path / "other"))
    try:
        rpc.call("first")
        rpc.socket_path = other.path
        rpc.call("second")
        assert (_methods(daemon), _methods(other)) == (["first"], ["second"])
    finally:
        other.close()


def test_a_fork_begins_with_none(daemon: Daemon, rpc: Any) -> None:
    rpc.call("first")
    child = os.fork()
    if not child:
        rpc.call("of the child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    rpc.call("last")
    assert daemon.connected == 2
    assert _methods(daemon) == ["first", "of the child", "last"]


def test_copies_have_their_own(daemon: Daemon, rpc: Any) -> None:
    rpc.call("getinfo")
    again = copy.deepcopy(rpc._connections)
    assert again.take(unix_socket.UnixSocket, daemon.path) is None


class OwnWay(own.LightningRpc):
    """Counts what goes through its own methods."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.count = 0

    def _writeobj(self, sock: Any, obj: Any) -> None:
        self.count += 1
        super()._writeobj(sock, obj)

    def _readobj(self, sock: Any, buff: Any = b"") -> tuple[Any, Any]:
        self.count += 1
        return super()._readobj(sock, buff)


def test_a_class_with_its_own_way(daemon: Daemon) -> None:
    rpc = OwnWay(daemon.path)
    for _ in range(2):
        rpc.call("getinfo")
    assert (rpc.count, daemon.connected) == (4, 2)


def test_an_own_socket(daemon: Daemon, rpc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Own(unix_socket.UnixSocket):
        def __init__(self, path: Any) -> None:
            made.append(path)
            super().__init__(path)

    rpc.call("getinfo")
    monkeypatch.setattr(own_lightning, "UnixSocket", Own)
    for _ in range(2):
        rpc.call("getinfo")
    assert made == [daemon.path] * 2


def test_a_daemon_that_shuts_down_is_gone(daemon: Daemon) -> None:
    with unlogged():
        plugin: Any = own.Plugin(autopatch=False)
    plugin.rpc = own.LightningRpc(daemon.path)
    met: list[Exception] = []

    @plugin.subscribe("shutdown")
    def on_shutdown(**kwargs: Any) -> None:
        with pytest.raises(ConnectionRefusedError) as raised:
            plugin.rpc.getinfo()
        met.append(raised.value)

    plugin.rpc.getinfo()
    # It still serves old connections then.
    daemon.stop_listening()
    shutdown = b'{"jsonrpc": "2.0", "method": "shutdown", "params": {"shutdown": {}}}'
    assert plugin._multi_dispatch([shutdown, b""]) == b""
    assert len(met) == 1
