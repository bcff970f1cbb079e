"""`LightningRpc` sends, reads and raises what pyln-client's does."""

from __future__ import annotations

import inspect
import json
import pickle
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from tests.pyln.both import (
    both,
    original,
    original_lightning,
    outcome,
    own,
    own_lightning,
    parameters,
)

SIDES: Final = (original.LightningRpc, own.LightningRpc)
METHODS: Final = [
    name
    for name, function in vars(original.LightningRpc).items()
    if inspect.isfunction(function) and not name.startswith("_")
]


class Daemon:
    """Records the bytes of each request and answers by `reply`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.received: list[bytes] = []
        self._is_closing = False
        self._open: list[tuple[threading.Thread, socket.socket]] = []
        self.reply: Callable[[dict[str, Any]], bytes] = ok
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._is_closing:
                connection.close()
                return
            thread = threading.Thread(target=self._answer, args=(connection,))
            self._open.append((thread, connection))
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            received = connection.recv(1 << 16)
            while received:
                try:
                    request, _ = json.JSONDecoder().raw_decode(received.decode())
                except ValueError:
                    received += connection.recv(1 << 16)
                    continue
                self.received.append(received)
                reply = self.reply(request)
                connection.sendall(reply)
                received = connection.recv(1 << 16) if reply.endswith(b"\n\n") else b""

    def close(self) -> None:
        self.stop_listening()
        self.hang_up()

    def stop_listening(self) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(self.path)
        self._thread.join()
        self._listener.close()

    def hang_up(self) -> None:
        """Closes the open connections, as at the daemon's end."""
        for thread, connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    @property
    def connected(self) -> int:
        """How many connections have come."""
        return len(self._open)

    def ask(self, side: Any, use: Callable[[Any], Any]) -> tuple[list[bytes], tuple[str, Any]]:
        """What one side's client sends, and what its user gets."""
        client = side(self.path)
        client.caller_name = "caller"
        del self.received[:]
        got = outcome(lambda: use(client))
        return list(self.received), got


def ok(request: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {}}).encode() + b"\n\n"


@pytest.fixture
def daemon(tmp_path: Path) -> Generator[Daemon]:
    made = Daemon(str(tmp_path / "rpc"))
    yield made
    made.close()


def test_one_hundred_methods() -> None:
    assert len(METHODS) == 100


@pytest.mark.parametrize("name", ["LightningRpc", "UnixDomainSocketRpc", "UnixSocket", "RpcError"])
def test_members(name: str) -> None:
    theirs, ours = getattr(original_lightning, name), getattr(own_lightning, name)
    for member, value in inspect.getmembers(theirs, inspect.isfunction):
        if member not in ("__init__", "__getattr__") and member.startswith("__"):
            continue
        assert hasattr(ours, member), member
        assert parameters(getattr(ours, member)) == parameters(value), member


def test_a_class_is_the_same_object_under_every_name() -> None:
    for name in ("LightningRpc", "Millisatoshi", "RpcError"):
        assert getattr(own, name) is getattr(own_lightning, name)


def test_a_method_is_made_once_and_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(own.LightningRpc):  # type: ignore[misc]
        def getinfo(self) -> Any:
            return super().getinfo()

        def call(self, *args: Any, **kwargs: Any) -> Any:
            return args

    client = Own("/nowhere")
    assert client.getinfo() == ("getinfo",)
    assert own.LightningRpc.getinfo is own.LightningRpc.getinfo
    assert own.LightningRpc.close.__qualname__ == "LightningRpc.close"
    monkeypatch.setattr(own.LightningRpc, "listnodes", lambda self: "replaced")
    assert client.listnodes() == "replaced"


def argument_sets(name: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """None, all, each alone with the required ones, by position, wrong ones, and odd values."""
    found = list(inspect.signature(getattr(original.LightningRpc, name)).parameters.values())[1:]
    named = [each for each in found if each.kind is each.POSITIONAL_OR_KEYWORD]
    required = {each.name: f"v-{each.name}" for each in named if each.default is each.empty}
    every = {each.name: f"v-{each.name}" for each in named}
    alone = [{**required, each: f"v-{each}"} for each in every if each not in required]
    odd = [{**every, each: value} for each in every for value in (0, False, [], {"k": None})][:8]
    by_name = [{}, required, every, *alone, *odd, {**required, "unknown": 1}]
    by_name.append(dict.fromkeys(every))
    values = list(every.values())
    by_position = [tuple(values[:count]) for count in range(len(values) + 2)]
    return [((), each) for each in by_name] + [(each, {}) for each in by_position]


def test_the_bytes_of_all_methods(daemon: Daemon) -> None:
    for name in METHODS:
        for args, kwargs in argument_sets(name):
            theirs, ours = (
                daemon.ask(side, lambda client: getattr(client, name)(*args, **kwargs))  # noqa: B023
                for side in SIDES
            )
            assert theirs == ours, (name, args, kwargs)


CALLS: Final[dict[str, Callable[[Any], Any]]] = {
    "unknown name": lambda rpc: rpc.dev_unknown_thing(a=1),
    "by position": lambda rpc: rpc.some_thing(1, None, "ü"),
    "list": lambda rpc: rpc.call("x", [1, None]),
    "nested none": lambda rpc: rpc.call("x", {"a": None, "b": {"c": None}}),
    "filter": lambda rpc: rpc.call("x", {}, filter={"a": True}),
    "prefix": lambda rpc: rpc.call("x", cmdprefix="p"),
    "amount": lambda rpc: rpc.call("x", {"amount": "1msat"}),
    "two calls": lambda rpc: (rpc.getinfo(), rpc.getinfo()),
    "text payload": lambda rpc: rpc.call("x", "text"),
    "number": lambda rpc: rpc.call("x", 0),
    "not json": lambda rpc: rpc.call("x", {"a": {1}}) and None,
}


@pytest.mark.parametrize("use", [pytest.param(use, id=name) for name, use in CALLS.items()])
def test_calls(daemon: Daemon, use: Callable[[Any], Any]) -> None:
    theirs, ours = (daemon.ask(side, use) for side in SIDES)
    if theirs[1][0] != "TypeError":  # A better text for what is no JSON.
        assert theirs == ours
    assert (theirs[0], theirs[1][0]) == (ours[0], ours[1][0])


def test_attributes_of_a_client(daemon: Daemon) -> None:
    def use(rpc: Any) -> Any:
        rpc.cmdprefix = "set-by-hand"
        rpc.next_id = 12
        with rpc.reply_filter({"id": True}):
            rpc.getinfo()
        rpc.call("x", cmdprefix="over")
        return rpc.next_id, rpc.caller_name, rpc.executor, rpc.get_json_id("m", None), rpc._filter

    theirs, ours = (daemon.ask(side, use) for side in SIDES)
    assert theirs == ours


REPLIES: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "result": lambda request: {"id": request["id"], "result": [1, "1msat", 1.5, 10**30, None]},
    "null": lambda request: {"id": request["id"], "result": None},
    "error": lambda request: {"id": request["id"], "error": {"code": -1, "message": "m"}},
    "null error": lambda request: {"id": request["id"], "error": None, "result": 1},
    "both": lambda request: {"id": request["id"], "error": {"code": 1}, "result": 1},
    "other id": lambda request: {"id": "other", "result": 1},
    "no id": lambda request: {"result": 1},
    "nothing": lambda request: {"id": request["id"]},
    "empty": lambda request: {},
}


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in REPLIES.items()])
def test_replies(daemon: Daemon, make: Callable[[dict[str, Any]], Any]) -> None:
    daemon.reply = lambda request: json.dumps(make(request)).encode() + b"\n\n"
    theirs, ours = (daemon.ask(side, lambda rpc: rpc.call("x", {"a": 1})) for side in SIDES)
    assert theirs == ours


def test_the_end_at_every_byte(daemon: Daemon) -> None:
    whole = ok({"id": "caller:getinfo#1"})
    for length in range(len(whole) + 1):
        daemon.reply = lambda request: whole[:length]  # noqa: B023
        theirs, ours = (daemon.ask(side, lambda rpc: rpc.getinfo()) for side in SIDES)
        if ours[1][0] == "dict":
            assert json.loads(whole[:length])  # Whole without the blank line behind it.
        else:
            assert theirs == ours, length


class Pieces:
    """A connection that gives these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def recv(self, length: int) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if len(piece) > length:
            self._pieces.insert(0, piece[length:])
        return piece[:length]


def test_a_reply_cut_at_every_byte() -> None:
    whole = '{"id": "ü", "result": {"a": "\\n\\n"}}\n\n{"id": 2, "result": 2}\n\n'.encode()
    for cut in range(len(whole)):
        got: list[list[Any]] = []
        for side in SIDES:
            client, connection = side("/nowhere"), Pieces(whole[:cut], whole[cut:])
            if not cut:
                connection = Pieces(whole)
            first, rest = client._readobj(connection)
            second, rest = client._readobj(connection, rest)
            third, _ = client._readobj(connection, rest)
            got.append([first, second, third])
        assert got[0] == got[1] == [{"id": "ü", "result": {"a": "\n\n"}}, got[0][1], got[0][2]]


def test_what_is_left_is_bytes_where_nothing_is_left() -> None:
    for side in SIDES:
        assert side("/x")._readobj(Pieces(b'{"a": 1}\n\n')) == ({"a": 1}, b"")


def test_no_daemon(tmp_path: Path) -> None:
    refused = tmp_path / "refused"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(refused))
    for path in (tmp_path / "none", refused, "/" + "x" * 200):
        theirs, ours = both(SIDES, lambda side: side(path).getinfo())  # noqa: B023
        assert theirs == ours


def test_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    short = tmp_path / "s"
    made = Daemon(str(short))
    (folder / "rpc").symlink_to(short)
    try:
        for side in SIDES:
            assert side(str(folder / "rpc")).getinfo() == {}
    finally:
        made.close()


def test_what_a_command_reports(daemon: Daemon) -> None:
    def reply(request: dict[str, Any]) -> bytes:
        if request["method"] == "notifications":
            return ok(request)
        said = {"method": "message", "params": {"id": 1, "level": "info", "message": "half"}}
        return json.dumps(said).encode() + b"\n\n" + ok(request)

    daemon.reply = reply
    theirs, ours = (daemon.ask(side, _notified) for side in SIDES)
    assert theirs == ours
    assert "half" in ours[1][1]


def _notified(rpc: Any) -> Any:
    said: list[Any] = []
    with rpc.notify(lambda **members: said.append(members)):
        rpc.getinfo()
    return said


def test_debug_lines(daemon: Daemon) -> None:
    class Logger:
        def __init__(self) -> None:
            self.lines: list[Any] = []

        def debug(self, *args: Any) -> None:
            self.lines.append(args)

    said: list[Any] = []
    for side in SIDES:
        logger = Logger()
        client = side(daemon.path, logger=logger)
        client.caller_name = "caller"
        client.getinfo()
        client.connect("02", port=1)
        said.append(logger.lines)
    assert said[0] == said[1]


def test_errors_are_values() -> None:
    texts: list[Any] = []
    for side in (original.RpcError, own.RpcError):
        error = side("m", {"a": 1}, {"code": 1})
        assert isinstance(error, ValueError)
        texts.append((str(error), error.args, error.method, error.payload, error.error))
    assert texts[0] == texts[1]


def test_an_error_can_be_pickled() -> None:
    error = own.RpcError("m", {"a": 1}, {"code": 1})
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))
    with pytest.raises(TypeError):
        pickle.loads(pickle.dumps(original.RpcError("m", {"a": 1}, {"code": 1})))


def test_progress_of_a_command(daemon: Daemon) -> None:
    def reply(request: dict[str, Any]) -> bytes:
        said = {"method": "progress", "params": {"id": 1, "num": 1, "total": 2}}
        before = (
            b"" if request["method"] == "notifications" else json.dumps(said).encode() + b"\n\n"
        )
        return before + ok(request)

    daemon.reply = reply
    client, said = own.LightningRpc(daemon.path), list[Any]()
    with pytest.raises(ZeroDivisionError), client.notify(lambda **got: said.append(got)):
        client.getinfo()
        raise ZeroDivisionError
    assert [(got["message"], got["progress"]["num"]) for got in said] == [(None, 1)]
    assert client._notify is None
