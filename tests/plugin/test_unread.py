"""A daemon that does not read any more: the plugin ends, whatever its threads write."""

from __future__ import annotations

import array
import fcntl
import signal
import termios
import time

import pytest

from tests.daemon import PATIENCE

pytestmark = pytest.mark.process

PRINTS = "print('x' * 100)"
LOGS = "plugin.log('x' * 100)"

BODY = """
    import threading
    plugin = Plugin(shutdown_seconds=2)

    def write():
        while True:
            WRITE

    @plugin.on_init
    HEAD begin():
        threading.Thread(target=write, daemon=True).start()

    @plugin.method("hello")
    HEAD hello() -> str:
        return "hello"
"""


def wait_until_full(daemon) -> None:
    """Until the plugin writes no more: its pipe to the daemon is full."""
    before, pipe = -1, daemon.process.stdout.fileno()
    deadline = time.monotonic() + PATIENCE
    while (now := unread(pipe)) != before or now < 4096:
        assert time.monotonic() < deadline, "the pipe does not fill"
        before = now
        time.sleep(0.2)


def unread(pipe: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


@pytest.mark.parametrize("write", [PRINTS, LOGS], ids=["prints", "logs"])
@pytest.mark.parametrize("head", ["def", "async def"], ids=["blocking driver", "event loop"])
@pytest.mark.parametrize("how", ["SIGTERM", "SIGTERM twice", "end of input"])
def test_it_ends_while_another_thread_writes(plugin, write, head, how):
    daemon = plugin(BODY.replace("WRITE", write).replace("HEAD", head))
    daemon.start()
    wait_until_full(daemon)
    # Its answer has to wait behind what the other thread writes.
    daemon.write('{"jsonrpc":"2.0","id":1,"method":"hello"}')
    time.sleep(0.2)
    if how == "end of input":
        daemon.process.stdin.close()
    else:
        daemon.signal(signal.SIGTERM)
    if how == "SIGTERM twice":
        time.sleep(0.5)
        daemon.signal(signal.SIGTERM)
        assert daemon.process.wait(PATIENCE) == -signal.SIGTERM
    else:
        assert daemon.process.wait(PATIENCE) == 1
        assert "did not end in time" in daemon.errors()


def test_what_waits_is_written_in_order_once_the_daemon_reads(plugin):
    """Two threads that wait for the daemon, and the one that serves, with a reply behind them."""
    daemon = plugin(
        """
        import threading
        threads = []

        def write(name):
            for number in range(2000):
                plugin.log(f"{name} {number} " + "x" * 200)

        @plugin.method("begin")
        def begin() -> str:
            for name in "ab":
                threads.append(threading.Thread(target=write, args=(name,)))
                threads[-1].start()
            return "begun"

        @plugin.on_shutdown
        def join():
            for thread in threads:
                thread.join()

        @plugin.method("large")
        def large() -> str:
            return "y" * 300_000
        """
    )
    daemon.start()
    daemon.write('{"jsonrpc":"2.0","id":1,"method":"begin"}')
    wait_until_full(daemon)
    daemon.write('{"jsonrpc":"2.0","id":2,"method":"large"}' * 3)
    assert daemon.reply()["result"] == "begun"
    for _ in range(3):
        assert daemon.reply()["result"] == "y" * 300_000
    assert daemon.hang_up() == 0
    for name in "ab":
        said = [
            int(line["message"].split()[1]) for line in daemon.logs if line["message"][0] == name
        ]
        assert said == list(range(2000))
