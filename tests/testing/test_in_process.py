"""A `Plugin` object in a thread: it leaves nothing behind, and takes nothing that is others'."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import threading
import time
from contextvars import Context, copy_context
from pathlib import Path

import pytest

from clnwire import ConnectionLostError, NotReadyError, Plugin, RpcError, UsageError
from clnwire.host import HostError, PluginDiedError
from clnwire.testing import NEVER, BlockingHost, RunPlugin
from tests.testing import author


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="needs /dev/fd to count descriptors")
def test_neither_descriptors_nor_threads_stay() -> None:
    def run() -> None:
        with BlockingHost() as host:
            host.answer("listfunds", {"outputs": []})
            plugin = host.start(author.plugin)
            assert plugin.call("later") == "now"
            assert plugin.call("balance") == 0

    threads = threading.active_count()
    run()
    gc.collect()
    _settle(threads)
    before = descriptors(), threads
    for _ in range(10):
        run()
    gc.collect()
    _settle(threads)
    assert (descriptors(), threading.active_count()) == before


def _settle(threads: int) -> None:
    """A pool's threads end a moment after their plugin."""
    for _ in range(100):
        if threading.active_count() <= threads:
            return
        time.sleep(0.02)


def test_the_process_stays_the_tests(run_plugin: RunPlugin, capfd) -> None:
    plugin = Plugin()

    @plugin.method("speak")
    def speak() -> None:
        print("printed")
        os.write(1, b"written\n")

    before = signal.getsignal(signal.SIGTERM)
    running = run_plugin(plugin)
    running.call("speak")
    assert signal.getsignal(signal.SIGTERM) is before
    assert running.hang_up() == 0
    assert "written" in capfd.readouterr().out
    assert running.logs == []
    print("still there")
    assert "still there" in capfd.readouterr().out


def test_only_its_own_logging_is_its_log(run_plugin: RunPlugin) -> None:
    plugin = Plugin()

    @plugin.method("threaded", thread=True)
    def threaded() -> None:
        logging.getLogger("a").warning("from a thread")

    @plugin.method("plain")
    def plain() -> None:
        logging.getLogger("a").error("from a handler")

    running = run_plugin(plugin)
    handlers = len(logging.getLogger().handlers)
    logging.getLogger("a").error("from the test")
    running.call("threaded")
    running.call("plain")
    assert running.log_text() == "warn from a thread\nerror from a handler"
    running.hang_up()
    assert len(logging.getLogger().handlers) == handlers - 1


def speaking(kind: str) -> Plugin:
    plugin = Plugin()

    async def in_a_task() -> None:
        logging.getLogger("a").warning(kind)

    def called() -> None:
        logging.getLogger("a").warning(kind)

    plugin.method("speak", thread=kind == "thread")(in_a_task if kind == "task" else called)
    return plugin


def test_several_plugins_in_one_process_have_their_own_logging() -> None:
    kinds = "task", "thread", "plain"
    with BlockingHost() as first, BlockingHost() as second, BlockingHost() as third:
        running = [
            host.start(speaking(kind))
            for host, kind in zip((first, second, third), kinds, strict=True)
        ]
        for each in running:
            each.call("speak")
        assert [each.log_text() for each in running] == [f"warn {kind}" for kind in kinds]


def test_the_level_of_logging_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is INFO for as long as any plugin runs, unless the program has set a level or handlers."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", logging.WARNING)
    with BlockingHost() as first:
        running = first.start(speaking("plain"))
        with BlockingHost() as second:
            ending = second.start(speaking("thread"))
            assert root.level == logging.INFO
            ending.hang_up()
        assert root.level == logging.INFO
        running.hang_up()
    assert (root.level, root.handlers) == (logging.WARNING, [])


def test_what_a_handler_has_left_behind_is_no_handler_of_the_next_run() -> None:
    """A thread or a task that a handler has started keeps the handler's context."""
    plugin, contexts = Plugin(), list[Context]()

    @plugin.method("ask", thread=True)
    def ask() -> None:
        contexts.append(copy_context())
        contexts[0].copy().run(plugin.rpc.call, "who")

    with BlockingHost() as host:
        host.answer("who", {})
        host.start(plugin).call("ask")
        assert "/" in host.calls[0].id, "the id begins with that of the request"
    with BlockingHost() as host:
        host.answer("who", {})
        host.start(plugin).call("ask")
        assert "/" not in host.calls[0].id


def test_a_handler_that_does_not_return_is_left_behind() -> None:
    """And ends nobody else: a process would be ended by the plugin's watchdog."""
    plugin, go_on = Plugin(shutdown_seconds=0.3), threading.Event()
    plugin.method("hang")(lambda: go_on.wait(60) and None)
    host = BlockingHost(shutdown_timeout=1).__enter__()
    running = host.start(plugin)
    with pytest.raises(TimeoutError, match="'hang' was not answered within"):
        running.call("hang", timeout=0.05)
    (problem,) = host.close()
    assert "did not end within 1 s" in problem
    with BlockingHost() as other, pytest.raises(HostError, match="does not return"):
        other.start(plugin)
    go_on.set()
    with BlockingHost() as other:
        assert other.start(plugin).hang_up() == 0


def test_what_is_left_of_a_run(run_plugin: RunPlugin, clnwire_host: BlockingHost) -> None:
    plugin = Plugin()
    running = run_plugin(plugin)
    assert plugin.configuration.network == "regtest"
    assert plugin.rpc.getinfo().network == "regtest"
    running.hang_up()
    with pytest.raises(NotReadyError, match="before init"):
        _ = plugin.configuration
    with pytest.raises(NotReadyError, match="before init"):
        plugin.rpc.getinfo()
    with pytest.raises(NotReadyError, match="is not running"):
        plugin.notify("news", {})


def test_a_plugin_that_disables_itself_may_do_so_again() -> None:
    plugin = Plugin()
    wanted = plugin.option("wanted", type="flag")

    @plugin.on_init
    def ready() -> None:
        if not wanted.value:
            plugin.disable("nobody wants me")

    for is_wanted in (False, True, False):
        with BlockingHost() as host:
            running = host.start(plugin, {"wanted": is_wanted})
            assert running.disabled == (None if is_wanted else "nobody wants me")


def test_it_runs_once_at_a_time() -> None:
    plugin = Plugin()
    theirs, ours = os.pipe()
    with open(os.devnull, "wb") as output:  # noqa: PTH123 - a descriptor is needed
        thread = threading.Thread(target=plugin.run_on, args=(theirs, output.fileno()))
        thread.start()
        while plugin._run is None:
            time.sleep(0.001)
        with pytest.raises(UsageError, match="the plugin is already running"):
            plugin.run_on(theirs, output.fileno())
        os.close(ours)
        thread.join(10)
        os.close(theirs)
    assert not thread.is_alive()


def test_of_two_threads_one_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the second one comes when the first has not yet opened the descriptors."""
    plugin, refused = Plugin(), list[UsageError]()
    theirs, ours = os.pipe()

    def run() -> int:
        with open(os.devnull, "wb") as output:  # noqa: PTH123 - a descriptor is needed
            return plugin.run_on(theirs, output.fileno())

    def in_the_first() -> None:
        monkeypatch.undo()
        with pytest.raises(UsageError, match="the plugin is already running") as caught:
            run()
        refused.append(caught.value)

    monkeypatch.setattr(plugin, "_refuse_if_unsafe", in_the_first)
    os.close(ours)
    assert run() == 0
    assert len(refused) == 1
    assert run() == 0, "it may run again"
    os.close(theirs)


def test_descriptors_that_cannot_be_used() -> None:
    plugin = Plugin()
    with pytest.raises(OSError, match="Bad file descriptor"):
        plugin.run_on(99_999, 99_999)


@pytest.mark.parametrize(("code", "status"), [(None, 0), (5, 5), ("a reason", 1)])
def test_how_it_exits(code: object, status: int, capfd) -> None:
    plugin = Plugin()

    @plugin.method("leave")
    def leave() -> None:
        raise SystemExit(code)

    with BlockingHost() as host:
        running = host.start(plugin)
        with pytest.raises(RpcError):
            running.call("leave")
        assert running.wait_ended() == status
    assert ("a reason" in capfd.readouterr().err) == (code == "a reason")


def test_a_stream_that_ends_inside_a_message_ends_it_with_status_1(
    run_plugin: RunPlugin, capfd
) -> None:
    running = run_plugin(Plugin())
    running._waiter.act(lambda: running._plugin.process.send(b"{]"))
    running._waiter.act(running._plugin.process.close_stdin)
    assert running.wait_ended() == 1
    assert "malformed" in running.log_text()
    assert "malformed" in capfd.readouterr().err


def test_a_daemon_that_hangs_up_while_it_calls(clnwire_host: BlockingHost) -> None:
    clnwire_host.answer("pay", NEVER)
    plugin, errors = Plugin(), []

    @plugin.background(fatal=False)
    async def pay() -> None:
        try:
            await plugin.rpc.aio.call("pay")
        except ConnectionLostError as error:
            errors.append(error)
        await asyncio.sleep(0)

    running = clnwire_host.start(plugin)
    clnwire_host.wait_for_call("pay")
    assert clnwire_host.callers == 1
    clnwire_host.hang_up()
    for _ in range(200):
        if errors:
            break
        time.sleep(0.01)
    assert len(errors) == 1
    assert running.hang_up() == 0


def test_the_host_would_wait_for_itself(run_plugin: RunPlugin, clnwire_host: BlockingHost) -> None:
    clnwire_host.answer("askme", lambda params: clnwire_host.call("getinfo"))
    with pytest.raises(UsageError, match="the host would wait for itself"):
        clnwire_host.call("askme")


def test_a_host_that_is_closed() -> None:
    with BlockingHost() as host:
        assert host.close() == []
        with pytest.raises(UsageError, match="the host is closed"):
            host.call("getinfo")


def test_a_plugin_that_is_refused(run_plugin: RunPlugin) -> None:
    plugin = Plugin()
    plugin.option("alias", "me", description="d")
    with pytest.raises((HostError, PluginDiedError), match="alias"):
        run_plugin(plugin)


def test_a_plugin_is_served_at_a_socket_too() -> None:
    """A socket cannot be opened as `/dev/fd/N`, nor can a pipe where there is no `/proc`."""
    plugin = Plugin()
    plugin.method("hello")(lambda: "there")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        number = theirs.fileno()
        thread = threading.Thread(target=plugin.run_on, args=(number, number), daemon=True)
        thread.start()
        ours.sendall(b'{"jsonrpc":"2.0","id":"a#1","method":"getmanifest","params":{}}\n\n')
        assert b'"hello"' in ours.recv(1 << 16)
        ours.shutdown(socket.SHUT_WR)
        thread.join(20)
        assert not thread.is_alive()
