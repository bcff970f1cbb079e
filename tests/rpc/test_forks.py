"""Forked children call on connections of their own: each caller gets its own answers."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clnwire.rpc import connect
from clnwire.rpc._connection import RpcConnection, opened
from clnwire.testing import BlockingHost, RunPlugin

pytestmark = pytest.mark.process

CHILDREN, CALLS = 4, 50


def echo(number: int) -> int:
    """In a child, which has inherited the client."""
    return int(_RPC.call("echo", [number])[0])


_RPC = connect("/nowhere")


@pytest.fixture
def rpc(clnwire_host: BlockingHost) -> Callable[..., object]:
    """A client of a host whose command `echo` gives back its params."""
    global _RPC  # noqa: PLW0603
    clnwire_host.answer("echo", lambda params: params)
    clnwire_host.serve()
    _RPC = connect(clnwire_host.rpc_path)
    return _RPC.call


def _opened(path: str) -> Iterator[RpcConnection]:
    yield (yield from opened(path))


def forked(check: Callable[[], bool]) -> tuple[int, bool]:
    """The process that made a check, and whether it held there."""
    child = os.fork()
    if child == 0:
        # Never back into pytest, whatever is raised.
        held = False
        try:
            held = check()
        finally:
            os._exit(not held)
    return child, os.waitpid(child, 0)[1] == 0


def test_a_pool_of_children_gets_the_right_answers(rpc: Callable[..., object]) -> None:
    assert rpc("echo", [7]) == [7]
    numbers = list(range(CHILDREN * CALLS))
    with multiprocessing.get_context("fork").Pool(CHILDREN) as pool:
        answers = pool.map_async(echo, numbers, chunksize=1)
        for number in numbers:
            assert rpc("echo", [-number]) == [-number]
        assert answers.get(60) == numbers


def test_a_call_under_way_stays_the_parent_s(rpc: Callable[..., object], clnwire_host) -> None:
    goes_on = asyncio.Event()

    async def slow(params: object) -> object:
        await goes_on.wait()
        return params

    async def go_on() -> None:
        goes_on.set()

    clnwire_host.answer("slow", slow)
    answers: list[object] = []
    caller = threading.Thread(target=lambda: answers.append(rpc("slow", ["mine"])))
    caller.start()
    while "slow" not in clnwire_host.host.commands_waiting:
        time.sleep(0.01)
    assert forked(lambda: rpc("echo", ["child"]) == ["child"])[1]
    clnwire_host.run(go_on())
    caller.join(60)
    assert answers == [["mine"]]
    assert rpc("echo", ["after"]) == ["after"]


def descriptors(what: str) -> list[str]:
    """This process's descriptors that are such."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(descriptor.readlink()))
    return [link for link in links if link.startswith(what)]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_child_holds_no_connection_that_is_not_in_a_pool_yet(tmp_path: Path) -> None:
    # It accepts nothing: this process holds the callers' ends alone.
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "rpc"))
        listening.listen(3)
        others = set(descriptors("socket:"))
        # Connected, as a thread is just before its pool knows of it.
        connections = [next(_opened(str(tmp_path / "rpc"))) for _ in range(3)]
        opened = set(descriptors("socket:")) - others
        assert len(opened) == len(connections)
        assert forked(lambda: opened.isdisjoint(descriptors("socket:")))[1]
        for connection in connections:
            connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_child_holds_no_connection_that_a_thread_is_using(
    rpc: Callable[..., object], clnwire_host: BlockingHost
) -> None:
    connection = next(_opened(str(clnwire_host.rpc_path)))
    # The host, a thread of this process, accepts it at any time, which is another socket.
    its_own = str(Path(f"/proc/self/fd/{connection._stream.fileno()}").readlink())
    # The stream's lock is held at some of the forks: 63 of 200 were measured.
    is_over = threading.Event()

    def receive() -> None:
        while not is_over.is_set():
            connection._receive()  # holds the stream's lock

    threads = [threading.Thread(target=receive, daemon=True) for _ in range(2)]
    # The default lets each of the threads keep the GIL for 5 ms before this one goes on.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.000_1)
    for thread in threads:
        thread.start()
    try:
        held = [forked(lambda: its_own not in descriptors("socket:"))[1] for _ in range(50)]
    finally:
        is_over.set()
        for thread in threads:
            thread.join(60)
        sys.setswitchinterval(interval)
        connection.close()
    assert all(held)
    assert rpc("echo", ["after"]) == ["after"]


@pytest.mark.promise("the plugin forks")
def test_a_child_s_calls_have_ids_of_their_own(rpc, clnwire_host: BlockingHost) -> None:
    child, _ = forked(lambda: rpc("echo", []) == [])
    rpc("echo", [])
    ids = [call.id for call in clnwire_host.calls if call.method == "echo"]
    assert f"[{child}]:echo#" in ids[0]
    assert f"[{child}]" not in ids[1]


def test_a_plugin_does_not_take_its_child_s_answers(
    clnwire_host: BlockingHost, run_plugin: RunPlugin, tmp_path: Path
) -> None:
    path = tmp_path / "forking.py"
    path.write_text(
        textwrap.dedent(
            """
            import os
            from clnwire import Plugin

            plugin = Plugin()

            @plugin.method("go")
            def go() -> list[int]:
                wrong, children = 0, []
                for number in range(20):
                    child = os.fork()
                    if child == 0:
                        for other in range(20):
                            if plugin.rpc.call("echo", [number, other]) != [number, other]:
                                raise SystemExit(1)
                        return []
                    children.append(child)
                    wrong += plugin.rpc.call("echo", [number]) != [number]
                return [wrong, *(os.waitpid(child, 0)[1] for child in children)]

            plugin.run()
            """
        )
    )
    clnwire_host.answer("echo", lambda params: params)
    run_plugin(path)
    assert clnwire_host.call("go") == [0] * 21


def test_a_signal_s_handler_calls_while_a_call_is_made(rpc: Callable[..., object]) -> None:
    answers: list[object] = []
    before = signal.signal(signal.SIGVTALRM, lambda *_: answers.append(rpc("echo", ["signal"])))
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.0007)
    try:
        for number in range(500):
            assert rpc("echo", [number]) == [number]
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    assert answers
    assert all(answer == ["signal"] for answer in answers)
