"""Children of a plugin: their signals are their own, and the daemon is the parent's."""

from __future__ import annotations

import multiprocessing
import signal
import textwrap
from typing import Any

import pytest

pytestmark = pytest.mark.process

KINDS = {
    "plain": ("@plugin.method('go')", "def"),
    "async": ("@plugin.method('go')", "async def"),
    "thread": ("@plugin.method('go', thread=True)", "def"),
}

START = """
import multiprocessing, os, signal, sys, threading, time

@plugin.on_shutdown
def bye():
    plugin.log(f"bye from {os.getpid()}")
"""


def forking(plugin: Any, body: str) -> Any:
    """A plugin that says goodbye, with this body behind it."""
    return plugin(START + textwrap.dedent(body))


def goodbyes(daemon: Any) -> list[str]:
    """The log, without what the watchdog says of a busy machine."""
    return [line for line in daemon.log_text().splitlines() if "has not returned for" not in line]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A handler's decorator and head."""
    name: str = request.param
    return KINDS[name]


@pytest.mark.promise(
    "`multiprocessing` imports the plugin's file again (spawn, forkserver)",
    '`plugin.run()` does nothing there, with or without `if __name__ == "__main__"`',
)
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes_works_and_ends(plugin, kind, method):
    decorator, head = kind
    daemon = forking(
        plugin,
        f"""
        {decorator}
        {head} go():
            with multiprocessing.get_context({method!r}).Pool(2) as pool:
                return pool.map(abs, [1, -2, 3])
        """,
    )
    daemon.start()
    for _ in range(10 if method == "fork" else 2):
        assert daemon.call("go") == [1, 2, 3]
    assert daemon.hang_up() == 0
    # Children that import the plugin's file again neither serve nor say goodbye.
    assert goodbyes(daemon) == [f"info bye from {daemon.process.pid}"]


def test_the_first_signal_ends_a_child(plugin, kind):
    decorator, head = kind
    daemon = forking(
        plugin,
        f"""
        {decorator}
        {head} go(number: int):
            child = multiprocessing.get_context("fork").Process(target=time.sleep, args=[600])
            child.start()
            os.kill(child.pid, number)
            child.join()
            return child.exitcode
        """,
    )
    daemon.start()
    assert daemon.call("go", [signal.SIGTERM]) == -signal.SIGTERM
    # Once it runs its function, KeyboardInterrupt is raised there; multiprocessing then gives 1.
    assert daemon.call("go", [signal.SIGINT]) in (1, -signal.SIGINT)
    assert daemon.hang_up() == 0


@pytest.mark.promise("the plugin forks")
def test_a_child_has_the_signals_of_a_program(plugin, kind):
    decorator, head = kind
    daemon = forking(
        plugin,
        f"""
        {decorator}
        {head} go():
            read, write = os.pipe()
            if os.fork() == 0:
                names = ("SIGTERM", "SIGINT", "SIGURG")
                handlers = [signal.getsignal(getattr(signal, name)) for name in names]
                text = f"{{handlers}} {{signal.set_wakeup_fd(-1)}}"
                os.write(write, text.encode())
                os._exit(0)
            os.wait()
            return os.read(read, 1000).decode()
        """,
    )
    daemon.start()
    handlers = [signal.SIG_DFL, signal.default_int_handler, signal.SIG_DFL]
    expected = str(handlers).split(" at ")[0]
    said = daemon.call("go")
    assert said.startswith(expected)
    assert said.endswith(" -1")


@pytest.mark.promise("the plugin forks")
@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("return 1", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('no')", 1),
        ("raise ValueError('in the child')", 1),
        ("os._exit(4)", 4),
    ],
)
def test_a_child_ends_with_its_handler(plugin, kind, end, status):
    decorator, head = kind
    daemon = forking(
        plugin,
        f"""
        {decorator}
        {head} go():
            child = os.fork()
            if child == 0:
                plugin.log("from the child")
                {end}
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        """,
    )
    daemon.start()
    assert daemon.call("go") == status
    assert daemon.call("go") == status
    assert daemon.hang_up() == 0
    assert "from the child" not in daemon.log_text()


@pytest.mark.parametrize("decorator", ["@plugin.on_init", "@plugin.background"])
def test_a_child_of_other_functions_ends_with_them(plugin, decorator):
    daemon = forking(
        plugin,
        f"""
        statuses = []

        {decorator}
        def start():
            child = os.fork()
            if child:
                statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

        @plugin.method("statuses", thread=True)
        def look():
            while not statuses:
                time.sleep(0.01)
            return statuses
        """,
    )
    daemon.start()
    assert daemon.call("statuses") == [0]
    assert daemon.hang_up() == 0
    assert goodbyes(daemon) == [f"info bye from {daemon.process.pid}"]


def test_a_child_of_the_farewell_leaves_the_rest_to_its_parent(plugin):
    first = """
        @plugin.on_shutdown
        def first():
            if os.fork():
                os.wait()
        """
    daemon = plugin(textwrap.dedent(first) + START)
    daemon.start()
    assert daemon.hang_up() == 0
    assert goodbyes(daemon) == [f"info bye from {daemon.process.pid}"]


def test_a_child_never_waits_for_a_lock_of_the_core(plugin, kind):
    decorator, head = kind
    daemon = forking(
        plugin,
        f"""
        topic = plugin.topic("noise")
        is_over = threading.Event()

        def make_noise():
            while not is_over.is_set():
                plugin.log.debug("x" * 3000)
                topic.publish({{"x": "y" * 3000}})

        {decorator}
        {head} go():
            sys.setswitchinterval(0.000_1)  # the forks are not to wait for the GIL
            threads = [threading.Thread(target=make_noise, daemon=True) for _ in range(3)]
            for thread in threads:
                thread.start()
            late = 0
            for number in range(150):
                child = os.fork()
                if child == 0:
                    plugin.log("in the child")
                    topic.publish(1)
                    return 0
                deadline = time.monotonic() + 20
                while os.waitpid(child, os.WNOHANG)[0] == 0:
                    if time.monotonic() > deadline:
                        os.kill(child, signal.SIGKILL)
                        os.waitpid(child, 0)
                        late += 1
                        break
                    time.sleep(0.001)
            is_over.set()
            for thread in threads:
                thread.join()
            return late
        """,
    )
    daemon.start()
    assert daemon.call("go") == 0
    assert daemon.hang_up() == 0


def test_a_child_never_waits_for_an_import_of_another_thread(plugin, kind, tmp_path):
    decorator, head = kind
    (tmp_path / "orjson.py").write_text(
        "from __main__ import goes_on, is_importing\n"
        "is_importing.set()\n"
        "goes_on.wait()\n"
        "raise ImportError\n"
    )
    daemon = forking(
        plugin,
        f"""
        topic = plugin.topic("noise")
        is_importing, goes_on = threading.Event(), threading.Event()

        {decorator}
        {head} go():
            thread = threading.Thread(target=lambda: topic.publish({{"x": 1}}))
            thread.start()
            is_importing.wait()
            child = os.fork()
            if child == 0:
                signal.alarm(10)
                topic.publish({{"x": 2}})
                return 0
            status = os.waitpid(child, 0)[1]
            goes_on.set()
            thread.join()
            return status
        """,
    )
    daemon.start()
    assert daemon.call("go") == 0
    assert daemon.hang_up() == 0


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="needs a system that forks"
)
def test_a_child_knows_of_no_request(plugin, kind):
    decorator, head = kind
    daemon = forking(
        plugin,
        f"""
        {decorator}
        {head} go(request: Request):
            read, write = os.pipe()
            if os.fork() == 0:
                try:
                    request.notify("hello")
                except UsageError as error:
                    os.write(write, str(error).encode())
                return 0
            os.wait()
            return os.read(read, 1000).decode()
        """,
    )
    daemon.start()
    assert "is answered" in daemon.call("go")
