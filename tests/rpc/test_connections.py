"""The pool: how many connections there are, what breaks them, and that no reply goes astray."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from itertools import count
from pathlib import Path

import msgspec
import pytest

from clnwire import CallTimeoutError, ConnectionLostError, ReplyError
from clnwire.host import Delivery
from clnwire.rpc import Rpc, connect
from clnwire.rpc._caller import CallOrigin, RpcCaller
from tests.rpc.node import GETINFO, Node, echo


def test_one_connection_serves_one_call_after_another(client):
    client = client()
    for n in range(20):
        assert client.call(lambda rpc, n=n: rpc.call("echo", [n])) == [n]
    assert client.node.callers == 1


def slow(host):
    echo(host)

    @host.command("slow")
    async def answer(params):
        await asyncio.sleep(0.3)
        return params


def test_there_are_as_many_as_calls_at_a_time(client):
    arrived = []

    def register(host):
        echo(host)

        @host.command("meet")
        async def answer(params):
            arrived.append(params)
            while len(arrived) < 10:
                await asyncio.sleep(0.01)
            return params

    client = client(register)
    calls = [lambda rpc, n=n: rpc.call("meet", [n]) for n in range(10)]
    assert client.together(calls) == [[n] for n in range(10)]
    assert client.node.callers == 10


def test_beyond_the_bound_calls_take_turns(client):
    client = client(slow, max_connections=3)
    calls = [lambda rpc, n=n: rpc.call("slow", [n]) for n in range(9)]
    assert client.together(calls) == [[n] for n in range(9)]
    assert client.node.callers == 3
    calls = [lambda rpc, n=n: rpc.call("echo", [n]) for n in range(200)]
    assert client.together(calls) == [[n] for n in range(200)]
    assert client.node.callers <= 3


def test_a_connection_that_broke_between_calls_is_replaced(client):
    client = client()
    calls = [lambda rpc, n=n: rpc.call("echo", [n]) for n in range(4)]
    client.together(calls)
    client.node.hang_up()
    for n in range(6):
        assert client.call(lambda rpc, n=n: rpc.call("echo", [n])) == [n]


@pytest.mark.parametrize("sent", [0, 1, 40])
def test_a_connection_that_breaks_in_a_reply(client, sent):
    def register(host):
        echo(host)
        host.command("getinfo")(Delivery(GETINFO, hang_up_after=sent))

    client = client(register)
    for _ in range(2):
        with pytest.raises(ConnectionLostError, match="hung up before it answered") as caught:
            client.call(lambda rpc: rpc.getinfo())
        assert caught.value.may_have_run
        assert client.call(lambda rpc: rpc.call("echo", [1])) == [1]


def test_nobody_there(client):
    client = client()
    client.node.close()
    # Who knows only Python's own errors catches it, too.
    with pytest.raises(ConnectionError, match="lightning-rpc: No such") as caught:
        client.call(lambda rpc: rpc.getinfo())
    assert isinstance(caught.value, ConnectionLostError)
    assert not caught.value.may_have_run


@pytest.mark.promise(
    "a call times out, is cancelled or is interrupted",
    "its connection is dropped, so no later call gets its reply",
)
def test_a_timeout_drops_the_connection_and_its_late_reply(client):
    numbers = count()

    def register(host):
        @host.command("slow")
        async def answer(params):
            number = next(numbers)
            await asyncio.sleep(0.2 if number == 0 else 0)
            return number

    client = client(register)
    with pytest.raises(
        CallTimeoutError, match=r"slow: there was no reply within 0\.05 s"
    ) as caught:
        client.call(lambda rpc: rpc.call("slow", timeout=0.05))
    assert caught.value.may_have_run
    assert isinstance(caught.value, TimeoutError)
    time.sleep(0.3)
    assert [client.call(lambda rpc: rpc.call("slow")) for _ in range(3)] == [1, 2, 3]


def test_a_timeout_while_the_reply_drips(client):
    def register(host):
        host.command("getinfo")(Delivery(GETINFO, chunk_bytes=1, pause=0.01))

    with pytest.raises(CallTimeoutError):
        client(register).call(lambda rpc: rpc.options(timeout=0.2).getinfo())


def test_a_timeout_while_waiting_for_a_connection(client):
    client = client(slow, max_connections=1)
    results = client.together(
        [
            lambda rpc: rpc.call("slow", [1]),
            lambda rpc: rpc.call("slow", [2], timeout=0.1),
            lambda rpc: rpc.call("slow", [3], timeout=0.1),
        ]
    )
    late = [each for each in results if isinstance(each, CallTimeoutError)]
    assert len(late) == 2, results
    for each in late:
        expected = "no connection was free" if not each.may_have_run else "there was no reply"
        assert expected in str(each)
    assert client.call(lambda rpc: rpc.call("slow", [4])) == [4], "no turn was lost"


def test_a_reply_byte_by_byte(client):
    client = client(lambda host: host.command("getinfo")(Delivery(GETINFO, chunk_bytes=1)))
    assert client.call(lambda rpc: rpc.getinfo()).network == "regtest"


def test_large_params_and_results(client):
    large = ["x" * 3_000_000, "y" * 3_000_000]
    assert client().call(lambda rpc: rpc.call("echo", large)) == large


def test_a_queue_that_is_full(client, tmp_path):
    """A daemon that is too busy to accept: the call waits, and notices its time-out."""
    client = client()
    path = str(tmp_path / "full")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(0)
    waiting = []
    try:
        while True:
            waiting.append(socket.socket(socket.AF_UNIX))
            waiting[-1].setblocking(False)
            waiting[-1].connect(path)
    except BlockingIOError:
        pass
    rpc = connect(path)
    with pytest.raises(CallTimeoutError, match="it was not sent"):
        rpc.options(timeout=0.1).getinfo()
    with pytest.raises(CallTimeoutError, match="it was not sent"):
        asyncio.run(_await(rpc.aio.options(timeout=0.1)))
    for each in (*waiting, listener):
        each.close()


async def _await(rpc):
    return await rpc.getinfo()


def test_a_daemon_that_sends_no_json(client, tmp_path):
    path = str(tmp_path / "odd")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve():
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b'{"jsonrpc":"2.0",!')
        connection.recv(65536)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(ReplyError, match=r"not JSON: .* byte 17"):
        connect(path).getinfo()
    thread.join(10)
    listener.close()


def test_hanging_up_ends_calls_and_those_that_wait():
    def register(host):
        echo(host)
        host.command("never")(Delivery([], delay=60))

    with Node(register) as node, connect(node.rpc_path, max_connections=1) as rpc:
        errors = []

        def call():
            try:
                rpc.call("never")
            except ConnectionLostError as error:
                errors.append(error.may_have_run)

        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        rpc.hang_up()
        for thread in threads:
            thread.join(10)
        assert sorted(errors) == [False, False, True]
        assert rpc.call("echo", [1]) == [1]


@pytest.mark.promise("a call times out, is cancelled or is interrupted")
def test_a_call_that_is_cancelled_gives_its_connection_up():
    numbers = count()

    def register(host):
        @host.command("slow")
        async def answer(params):
            number = next(numbers)
            await asyncio.sleep(0.3 if number == 0 else 0)
            return number

    async def main(path):
        async with connect(path, max_connections=1) as rpc:
            task = asyncio.create_task(rpc.call("slow"))
            waiting = asyncio.create_task(rpc.call("slow"))
            leaving = asyncio.create_task(rpc.call("slow"))
            await asyncio.sleep(0.1)
            leaving.cancel()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await waiting == 1, "the first call's reply came to nobody"
            assert await rpc.call("slow") == 2

    with Node(register) as node:
        asyncio.run(main(node.rpc_path))


@pytest.mark.promise("a call times out, is cancelled or is interrupted")
def test_an_interrupted_call_gives_its_connection_up():
    def register(host):
        echo(host)
        host.command("slow")(Delivery("late", delay=1))

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Node(register) as node, connect(node.rpc_path) as rpc:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(KeyboardInterrupt):
                rpc.call("slow")
            time.sleep(1)
            assert rpc.call("echo", [1]) == [1]
    finally:
        signal.signal(signal.SIGALRM, before)


def test_the_loop_goes_on_while_a_large_reply_comes():
    """A reply of 20 MB does not keep other tasks waiting until it is whole."""
    ticks = []

    async def tick():
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.001)

    async def main(path):
        async with connect(path) as rpc:
            ticking = asyncio.create_task(tick())
            value = await rpc.call("large", type=msgspec.Raw)
            ticking.cancel()
            return value

    large = b'"' + b"x" * 20_000_000 + b'"'
    with Node(lambda host: host.command("large")(large)) as node:
        assert len(asyncio.run(main(node.rpc_path))) == len(large)
    assert len(ticks) > 5


def test_a_connection_serves_calls_to_its_own_daemon_only():
    """A plugin that runs again keeps its client, and a thread may still call the daemon before."""
    with Node(echo) as first, Node(echo) as second:
        first.answer("who", "first")
        second.answer("who", "second")
        path = ""

        def before_call(method: str, *, blocking: bool) -> CallOrigin:
            return CallOrigin(path, "plugin.py")

        rpc = Rpc(RpcCaller(before_call, max_connections=1))
        for host, answer in ((first, "first"), (second, "second"), (first, "first")):
            path = str(host.rpc_path)
            assert rpc.call("who") == answer
        rpc.hang_up()


def test_no_descriptor_is_left():
    def register(host):
        echo(host)
        host.command("getinfo")(Delivery(GETINFO, hang_up_after=10))

    def descriptors() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    with Node(register) as node:
        before = descriptors()
        for _ in range(20):
            with connect(node.rpc_path) as rpc:
                rpc.call("echo")
                with pytest.raises(ConnectionLostError):
                    rpc.getinfo()
        deadline = time.monotonic() + 20
        while descriptors() > before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert descriptors() <= before
