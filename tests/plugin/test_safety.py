"""What kills plugins, or nodes, elsewhere: each danger has its test."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clnwire import UsageError
from tests.daemon import Daemon
from tests.plugin.conftest import source

ALONE = """
    @plugin.hook("db_write")
    def on_write(event: DbWrite):
        return CONTINUE
"""
WORKER = """
    import time

    @plugin.method("sleep")
    def sleep(seconds: float) -> str:
        plugin.log("sleeping")
        time.sleep(seconds)
        return "slept"

    @plugin.method("quick")
    def quick() -> str:
        return "quick"

    @plugin.on_shutdown
    def bye():
        plugin.log("bye")
"""


# db_write alone


@pytest.mark.promise(
    "`db_write` beside other hooks or methods in one plugin",
    "refused at start, with the reason; `Plugin(mixed_db_write=True)` overrides",
)
@pytest.mark.parametrize(
    "other",
    [
        '@plugin.method("x")',
        '@plugin.hook("peer_connected")',
        '@plugin.hook("new_hook", unknown=True)',
    ],
)
def test_db_write_beside_others_is_refused_at_start(plugin, other):
    daemon = plugin(f"{ALONE}\n    {other}\n    def f(event): ...\n")
    assert daemon.process.wait(20) == 1
    said = daemon.errors()
    assert "db_write must be alone" in said
    assert "mixed_db_write=True" in said
    assert "Traceback" not in said


def test_db_write_beside_others_for_who_knows_better(plugin):
    daemon = plugin(
        f"""
    plugin = Plugin(mixed_db_write=True)
    {ALONE}
    @plugin.method("x")
    def x():
        return 1
    """
    )
    daemon.start()
    assert daemon.call("x") == 1


def test_subscriptions_and_options_beside_db_write_are_fine(plugin):
    daemon = plugin(
        f"""
        plugin.option("where", "here")
        @plugin.subscribe("shutdown")
        def f(event): ...
        {ALONE}
        """.replace("\n    @", "\n        @")
        .replace("\n    def", "\n        def")
        .replace("\n        return", "\n            return")
    )
    daemon.start()


@pytest.mark.promise(
    "any call in `db_write`",
    "`DeadlockError` at once, which names the alternative",
)
def test_rpc_in_db_write_raises_instead_of_a_deadlock(plugin):
    daemon = plugin(
        """
        @plugin.hook("db_write")
        def on_write(event: DbWrite):
            plugin.rpc.call("getinfo")
            return CONTINUE
        """
    )
    daemon.start()
    error = daemon.request("db_write", {"data_version": 1, "writes": []})["error"]
    assert "db_write" in error["message"]
    assert "would never answer" in error["message"]


@pytest.mark.promise("options or `rpc` before `init`", "`NotReadyError`")
def test_options_and_rpc_before_init(plugin):
    daemon = plugin(
        """
        name = plugin.option("greeting", "World")

        @plugin.hook("peer_connected")
        def on_peer(event):
            for act in (lambda: name.value, lambda: plugin.rpc.call("getinfo"),
                        lambda: plugin.configuration):
                try:
                    act()
                except NotReadyError as error:
                    plugin.log(str(error))
            return CONTINUE
        """
    )
    daemon.getmanifest()
    peer = {"id": "02", "addr": "x"}
    assert daemon.call("peer_connected", {"peer": peer}) == {"result": "continue"}
    assert len(daemon.logs) == 3
    assert all("init" in line["message"] for line in daemon.logs)


# Stray output


@pytest.mark.promise(
    "`print()`, a C library or a child process writes to stdout; something reads stdin",
    "from `Plugin()` on, the output becomes log lines, and stdin is empty",
)
def test_stray_output_becomes_log_lines(plugin):
    daemon = plugin(
        """
        import ctypes, os, subprocess, sys

        print("before run")

        @plugin.method("noise")
        def noise():
            print("printed")
            print('{"jsonrpc":"2.0","id":1,"result":"fake"}')
            sys.stdout.write("no newline")
            sys.stdout.flush()
            os.write(1, b"\\nraw \\xff\\n")
            libc = ctypes.CDLL(None)
            libc.puts(b"from C")
            libc.fflush(None)
            subprocess.run(["sh", "-c", "echo from a child; cat"], check=True)
            try:
                input()
            except EOFError:
                print("stdin is empty")
            return "done"
        """
    )
    daemon.start()
    assert daemon.call("noise") == "done"
    assert daemon.call("noise") == "done"
    assert daemon.hang_up() == 0
    said = [line["message"] for line in daemon.logs]
    assert said[0] == "before run"
    once = ["printed", '{"jsonrpc":"2.0","id":1,"result":"fake"}', "no newline", "raw \ufffd"]
    once += ["from C", "from a child", "stdin is empty"]
    assert said[1:] == once * 2
    assert all(line["level"] == "info" for line in daemon.logs)


def test_a_module_with_a_plugin_of_its_own_can_be_imported(plugin, tmp_path):
    (tmp_path / "other.py").write_text(
        "from clnwire import Plugin\nplugin = Plugin()\nplugin.option('theirs')\n"
        "print('from the other')\ndef greet():\n    return 'Hello'\n"
    )
    daemon = plugin(
        """
        import other

        plugin = Plugin()

        @plugin.method("hello")
        def hello():
            return other.greet()
        """
    )
    assert daemon.start()["options"] == []
    assert daemon.call("hello") == "Hello"
    assert daemon.hang_up() == 0
    assert daemon.log_text() == "info from the other"


@pytest.mark.promise(
    "`print()`, a C library or a child process writes to stdout; something reads stdin",
)
def test_the_daemons_pipes_are_not_those_of_a_child_process(plugin):
    daemon = plugin(
        """
        import subprocess, sys

        @plugin.method("fork")
        def fork():
            child = "from clnwire import Plugin; p = Plugin(); print('as usual')"
            command = [sys.executable, "-c", child]
            return subprocess.run(command, capture_output=True, text=True).stdout
        """
    )
    daemon.start()
    assert daemon.call("fork") == "as usual\n"


def test_a_flood_of_stray_output_blocks_nobody(plugin):
    daemon = plugin(
        """
        @plugin.method("flood")
        def flood():
            for n in range(20_000):
                print("x" * 50, n)
            print("y" * 200_000)
            return "done"
        """
    )
    daemon.start()
    assert daemon.call("flood") == "done"
    assert daemon.hang_up() == 0
    messages = [line["message"] for line in daemon.logs]
    assert sum(len(piece) for piece in messages if piece.startswith("y")) == 200_000
    # On a busy machine the log also says that the handler is slow.
    short = [message for message in messages if message.startswith("x")]
    assert short == ["x" * 50 + f" {n}" for n in range(20_000)]


def test_output_of_a_child_that_outlives_the_plugin_is_no_reason_to_wait(plugin):
    daemon = plugin(
        """
        import subprocess

        @plugin.method("spawn")
        def spawn():
            return subprocess.Popen(["sleep", "100"]).pid
        """
    )
    daemon.start()
    child = daemon.call("spawn")
    try:
        assert daemon.hang_up() == 0
    finally:
        os.kill(child, signal.SIGKILL)


# Malformed bytes: tests/plugin/test_malformed.py


@pytest.mark.promise(
    "the stream ends inside a message",
    "all messages before it are answered; an error in the log with the byte offset, exit status 1",
)
def test_the_end_inside_a_message(plugin):
    daemon = plugin(WORKER)
    daemon.start()
    daemon.write('{"jsonrpc":"2.0","id":1,"met')
    assert daemon.hang_up() == 1
    assert "the stream ended inside a message" in daemon.log_text()


def test_the_caps_are_the_users(plugin):
    daemon = plugin(
        """
        plugin = Plugin(max_frame_bytes=10_000, max_depth=5)

        @plugin.method("echo")
        def echo(value):
            return value
        """
    )
    daemon.start()
    assert daemon.call("echo", ["x" * 5000]) == "x" * 5000
    daemon.write('{"id":1,"method":"echo","params":["' + "x" * 10_000 + '"]}\n\n')
    assert "max_frame_bytes = 10000; raise it" in daemon.reply()["error"]["message"]
    daemon.write('{"id":2,"method":"echo","params":[[[[[[[1]]]]]]]}\n\n')
    assert "max_depth = 5; raise it" in daemon.reply()["error"]["message"]
    assert daemon.call("echo", ["x" * 5000]) == "x" * 5000


# The end


def test_end_of_input(plugin):
    daemon = plugin(WORKER)
    daemon.start()
    daemon.write('{"jsonrpc":"2.0","id":1,"method":"quick"}')
    assert daemon.hang_up() == 0
    assert daemon.log_text() == "info bye"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_seen_at_once(plugin, number):
    daemon = plugin(WORKER)
    daemon.start()
    daemon.signal(number)
    daemon.drain()
    assert daemon.process.wait(20) == 0
    assert daemon.log_text() == "info bye"


@pytest.mark.promise(
    "end of input, SIGTERM, Ctrl-C, `shutdown`",
    "the current handler finishes, `on_shutdown` runs, exit status 0; all within "
    "`shutdown_seconds`, even if the daemon stops reading. A second signal kills",
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_handler_in_flight_finishes(plugin, number):
    daemon = plugin(WORKER)
    daemon.start()
    daemon.write('{"id":1,"method":"sleep","params":[1]}{"id":2,"method":"quick"}')
    assert daemon.receive()["params"]["message"] == "sleeping"
    daemon.signal(number)
    assert daemon.reply() == {"jsonrpc": "2.0", "id": 1, "result": "slept"}
    daemon.drain()
    assert daemon.process.wait(20) == 0
    assert daemon.log_text() == "info bye"


@pytest.mark.promise("end of input, SIGTERM, Ctrl-C, `shutdown`")
def test_a_second_signal_does_not_wait(plugin):
    daemon = plugin(WORKER)
    daemon.start()
    daemon.write('{"id":1,"method":"sleep","params":[100]}')
    assert daemon.receive()["params"]["message"] == "sleeping"
    daemon.signal(signal.SIGTERM)
    while daemon.process.poll() is None:  # the first one may not have been handled yet
        daemon.signal(signal.SIGTERM)
        time.sleep(0.05)
    assert daemon.process.returncode == -signal.SIGTERM


def test_a_handler_that_never_returns_does_not_keep_the_plugin(plugin):
    daemon = plugin("    plugin = Plugin(shutdown_seconds=0.3)\n" + WORKER)
    daemon.start()
    daemon.write('{"id":1,"method":"sleep","params":[1000]}')
    assert daemon.receive()["params"]["message"] == "sleeping"
    daemon.signal(signal.SIGTERM)
    daemon.drain()
    assert daemon.process.wait(20) == 1
    assert "sleep: did not end in time" in daemon.log_text()
    assert "sleep: did not end in time" in daemon.errors()


@pytest.mark.promise("end of input, SIGTERM, Ctrl-C, `shutdown`")
@pytest.mark.parametrize("how", ["end of input", "shutdown"])
def test_the_end_is_bounded_however_it_comes(plugin, how):
    daemon = plugin(
        "    plugin = Plugin(shutdown_seconds=0.3)\n"
        + WORKER
        + """
    @plugin.subscribe("shutdown")
    def hang(event):
        time.sleep(1000)
    """
    )
    daemon.start()
    if how == "shutdown":
        daemon.notify("shutdown", {})
    else:
        daemon.write('{"id":1,"method":"sleep","params":[1000]}')
        assert daemon.receive()["params"]["message"] == "sleeping"
        daemon.process.stdin.close()
    daemon.drain()
    assert daemon.process.wait(20) == 1
    assert "did not end in time" in daemon.log_text()


def test_without_bounds_on_time(plugin):
    daemon = plugin(
        """
        plugin = Plugin(watchdog_seconds=float("inf"), shutdown_seconds=float("inf"))

        @plugin.method("slow")
        def slow():
            import time
            time.sleep(0.3)
        """
    )
    daemon.start()
    daemon.call("slow")
    assert daemon.hang_up() == 0
    assert daemon.log_text() == ""


def test_an_on_shutdown_that_hangs_is_named(plugin):
    daemon = plugin(
        """
        plugin = Plugin(shutdown_seconds=0.3)

        @plugin.on_shutdown
        def hang():
            import time
            time.sleep(1000)

        @plugin.method("quick")
        def quick(): ...
        """
    )
    daemon.start()
    daemon.call("quick")
    assert daemon.hang_up() == 1
    assert "on_shutdown: did not end in time" in daemon.log_text()


def test_a_daemon_that_does_not_read_does_not_keep_the_plugin(plugin):
    daemon = plugin(
        """
        plugin = Plugin(shutdown_seconds=0.3)

        @plugin.method("large")
        def large() -> str:
            return "x" * 5_000_000
        """
    )
    daemon.start()
    daemon.write('{"id":1,"method":"large"}')
    assert select.select([daemon.process.stdout], [], [], 20)[0]
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(20) == 1


def test_the_end_is_bounded_with_nobody_at_stderr(plugin):
    daemon = plugin("    plugin = Plugin(shutdown_seconds=0.3)\n" + WORKER)
    daemon.start()
    daemon.process.stderr.close()
    daemon.write('{"id":1,"method":"sleep","params":[1000]}')
    assert daemon.receive()["params"]["message"] == "sleeping"
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(20) == 1


def test_closed_streams_are_no_obstacle_at_the_end(plugin):
    daemon = plugin(
        """
        @plugin.method("close-all")
        def close():
            import sys
            sys.stdout.close()
            sys.stderr.close()
        """
    )
    daemon.start()
    daemon.call("close-all")
    assert daemon.hang_up() == 0


@pytest.mark.parametrize(
    ("redirection", "closed"),
    [("<&-", "stdin"), (">&-", "stdout"), ("<&- >&-", "stdin and stdout"), ("<&- >&- 2>&-", None)],
)
@pytest.mark.parametrize("by", ["lightningd", "hand"])
def test_without_stdin_or_stdout_it_says_so(tmp_path, redirection, closed, by):
    path = tmp_path / "plugin.py"
    path.write_text("from clnwire import Plugin\nplugin = Plugin()\nplugin.run()\n")
    env = {name: value for name, value in os.environ.items() if name != "LIGHTNINGD_PLUGIN"}
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" "$1" {redirection}', sys.executable, str(path)],
        env={**env, "LIGHTNINGD_PLUGIN": "1"} if by == "lightningd" else env,
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    said = f"clnwire: {closed} closed: a plugin needs both to talk to the daemon\n"
    assert done.stderr == (said if closed else "")


@pytest.mark.promise(
    "the plugin forks",
    "the child cannot send messages in the plugin's name, has ordinary signal handlers, and "
    "calls the daemon on its own connections. It ends with the function that forked it: "
    "status 0, that of `sys.exit`, or 1 after a traceback",
)
def test_a_fork_does_not_answer_for_the_plugin(plugin):
    daemon = plugin(
        """
        import os, sys

        @plugin.on_shutdown
        def bye():
            plugin.log(f"bye from {os.getpid()}")

        @plugin.method("fork")
        def fork():
            child = os.fork()
            if child == 0:
                plugin.log("from the child")
                sys.exit(0)
            os.waitpid(child, 0)
            return os.getpid()
        """
    )
    daemon.start()
    pid = daemon.call("fork")
    assert pid == daemon.process.pid
    assert daemon.hang_up() == 0
    assert daemon.log_text() == f"info bye from {pid}"


def test_a_cancelled_error_is_a_failure_like_others(plugin):
    daemon = plugin(
        """
        @plugin.method("cancel")
        def cancel():
            import asyncio
            raise asyncio.CancelledError
        """
    )
    daemon.start()
    assert "CancelledError" in daemon.request("cancel")["error"]["message"]
    assert "CancelledError" in daemon.request("cancel")["error"]["message"]


def test_a_configuration_of_tomorrow(plugin):
    daemon = plugin(
        """
        @plugin.on_init
        def ready(init):
            plugin.log(init.configuration.rpc_file)
        """
    )
    daemon.getmanifest()
    assert daemon.init(proxy={"port": "9050"}) == {}
    assert "info lightning-rpc" in daemon.log_text()
    assert "warn init: " in daemon.log_text()


def test_an_init_that_cannot_be_read_disables(plugin):
    daemon = plugin("@plugin.on_init\ndef ready(): ...")
    daemon.getmanifest()
    assert "init failed" in daemon.call("init", {"options": {}, "configuration": {}})["disable"]


def test_shutdown(plugin):
    daemon = plugin(
        WORKER.replace("@plugin.on_shutdown", '@plugin.subscribe("shutdown")').replace(
            "def bye()", "def bye(event)"
        )
    )
    assert daemon.start()["subscriptions"] == ["shutdown"]
    daemon.write('{"method":"shutdown","params":{"shutdown":{}}}')
    daemon.drain()
    assert daemon.process.wait(20) == 0
    assert daemon.log_text() == "info bye"


def test_on_shutdown_has_the_daemon_announce_its_end(plugin):
    daemon = plugin(WORKER)
    assert daemon.start()["subscriptions"] == ["shutdown"]
    daemon.notify("shutdown", {})
    daemon.drain()
    assert daemon.process.wait(20) == 0
    assert daemon.log_text() == "info bye"


def test_a_failing_on_shutdown_is_logged(plugin):
    daemon = plugin("@plugin.on_shutdown\ndef bye():\n    raise ValueError('oh')\n" + "x = 1")
    daemon.start()
    assert daemon.hang_up() == 0
    assert "on_shutdown: ValueError: oh" in daemon.log_text()


def test_the_daemon_that_does_not_listen_any_more(plugin):
    daemon = plugin(WORKER)
    daemon.start()
    daemon.process.stdout.close()
    daemon.write('{"id":1,"method":"quick"}')
    assert daemon.process.wait(20) == 0


def test_a_stdout_that_does_not_block_loses_nothing(plugin, tmp_path):
    """Short writes and EAGAIN: the pipe takes 64 kB, the answer is 5 MB, the reader is slow."""
    script = tmp_path / "large.py"
    script.write_text(
        "from clnwire import Plugin\nplugin = Plugin()\n"
        "@plugin.method('large')\ndef large() -> str:\n    return 'x' * 5_000_000\nplugin.run()\n"
    )
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=writer
    ) as process:
        os.close(writer)
        process.stdin.write(b'{"id":1,"method":"getmanifest"}{"id":2,"method":"large"}')
        process.stdin.close()
        received = b""
        while data := os.read(reader, 10_000):
            received += data
    os.close(reader)
    assert process.returncode == 0
    large = json.loads(received.split(b"\n\n")[1])
    assert large["result"] == "x" * 5_000_000


def test_sys_exit_in_a_handler_answers_first(plugin):
    daemon = plugin(
        """
        @plugin.method("leave")
        def leave():
            raise SystemExit(3)
        """
    )
    daemon.start()
    assert "leave: SystemExit: 3" in daemon.request("leave")["error"]["message"]
    daemon.drain()
    assert daemon.process.wait(20) == 3


# Slow handlers


@pytest.mark.promise(
    "replies wait behind a slow handler",
    "they are written before a handler that has not proven quick, and otherwise within a "
    "tenth of a second",
)
def test_nothing_waits_behind_a_slow_handler(plugin):
    daemon = plugin(
        WORKER
        + """
    @plugin.method("hold")
    def wait(path: str) -> str:
        import os
        while not os.path.exists(path):
            time.sleep(0.01)
        return "waited"
    """
    )
    daemon.start()
    for n in range(3):  # the second time around it is known to be slow, or to have been quick
        gate = Path(f"/tmp/clnwire-test-{os.getpid()}-{n}")
        requests = [
            {"id": 1, "method": "quick"},
            {"id": 2, "method": "hold", "params": [str(gate)]},
        ]
        try:
            if n == 2:
                gate.touch()
                daemon.call("hold", [str(gate)])
                daemon.call("hold", [str(gate)])
                gate.unlink()
            daemon.write("".join(json.dumps(request) for request in requests))
            assert daemon.reply()["id"] == 1, "answered although the next handler is not done"
            gate.touch()
            assert daemon.reply()["id"] == 2
        finally:
            gate.unlink(missing_ok=True)


@pytest.mark.promise("replies wait behind a slow handler")
def test_a_handler_that_was_quick_before_holds_nothing_up_either(plugin):
    daemon = plugin(
        WORKER
        + """
    @plugin.method("maybe")
    def maybe(path: str | None = None) -> int:
        import os
        while path is not None and not os.path.exists(path):
            time.sleep(0.01)
        return 1
    """
    )
    daemon.start()
    quick = '{"id":0,"method":"maybe","params":[]}' * 50
    daemon.write(quick)
    for _ in range(50):
        daemon.reply()
    gate = Path(f"/tmp/clnwire-test-{os.getpid()}-maybe")
    request = json.dumps({"id": 2, "method": "maybe", "params": [str(gate)]})
    daemon.write(quick + request)
    try:
        for _ in range(50):
            assert daemon.reply()["id"] == 0
        gate.touch()
        assert daemon.reply()["id"] == 2
    finally:
        gate.unlink(missing_ok=True)


@pytest.mark.promise(
    "a handler does not return",
    "the watchdog names it in the log after `watchdog_seconds`, and again each time the "
    "duration doubles",
)
def test_the_watchdog_names_the_handler_that_holds_the_daemon_up(plugin):
    daemon = plugin("    plugin = Plugin(watchdog_seconds=0.3)\n" + WORKER)
    daemon.start()
    assert daemon.call("sleep", [1.5]) == "slept"
    warnings = [line for line in daemon.logs if line["level"] == "warn"]
    assert warnings, daemon.logs
    assert warnings[0]["message"].startswith("sleep: has not returned for 0.")
    assert len(warnings) <= 3, "each time it has doubled, not each time one looks"


# Logging


def test_logging_goes_to_the_daemon(plugin):
    daemon = plugin(
        """
        import logging

        @plugin.method("log")
        def log():
            logging.getLogger("lib").debug("too fine")
            logging.info("info %s", 1)
            logging.warning("two\\nlines")
            logging.critical("critical")
            try:
                1 / 0
            except ZeroDivisionError:
                logging.exception("caught")
            plugin.log("plain")
            plugin.log.debug("fine")
            plugin.log("odd \\ud800", "unusual")
            try:
                plugin.log("x", "loud")
            except UsageError as error:
                plugin.log(str(error))
        """
    )
    daemon.start()
    daemon.call("log")
    lines = daemon.log_text().splitlines()
    assert lines[:5] == ["info info 1", "warn two", "warn lines", "error critical", "error caught"]
    assert "error ZeroDivisionError: division by zero" in lines
    assert lines[-4:-1] == ["info plain", "debug fine", "unusual odd \\ud800"]
    assert "unknown log level 'loud'" in lines[-1]


def test_from_many_threads_at_once(plugin):
    daemon = plugin(
        """
        import threading

        news = plugin.topic("news")

        @plugin.method("start")
        def start():
            def work(n):
                for k in range(200):
                    news.publish([n, k])
                    plugin.log(f"{n} {k}")
            threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return "done"

        @plugin.method("quick")
        def quick():
            return 1
        """
    )
    daemon.start()
    assert daemon.call("start") == "done"
    published = [message["params"] for message in daemon.notifications]
    for n in range(8):
        assert [k for m, k in published if m == n] == list(range(200))
    assert len(daemon.logs) == 1600
    assert daemon.call("quick") == 1


# By hand


def run_in_a_terminal(path: Path, *arguments: str) -> str:
    main, side = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "LIGHTNINGD_PLUGIN"}
    process = subprocess.Popen(
        [sys.executable, str(path), *arguments],
        stdin=side,
        stdout=side,
        stderr=side,
        env=environment,
    )
    os.close(side)
    shown = b""
    try:
        while select.select([main], [], [], 20)[0]:
            shown += os.read(main, 65536)
    except OSError:
        pass  # how a pseudo-terminal says that nobody has the other end
    finally:
        os.close(main)
    assert process.wait(20) == 0
    return shown.decode().replace("\r\n", "\n")


def test_run_from_a_terminal_it_says_what_it_offers():
    hello = Path(__file__).parents[2] / "examples" / "hello.py"
    for arguments in ((), ("--help",)):
        shown = run_in_a_terminal(hello, *arguments)
        assert shown.startswith("A first plugin: ")
        assert f"lightningd --plugin={hello}" in shown
        assert f"clnwire run --plugin={hello}" in shown
        assert "--greeting=<string>  What name should I call you? (default: World)" in shown
        assert "hello [name]" in shown
        assert "connect" in shown


# Use that cannot work


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("@plugin.method('a')\nasync def a(): yield", "'async def' with yield"),
        ("@plugin.method('a', thread=True)\nasync def a(): ...", "thread=True is for plain"),
        ("@plugin.hook('recover', thread=True)\nasync def a(x): ...", "thread=True is for plain"),
        ("@plugin.subscribe('x', thread=True)\nasync def a(x): ...", "thread=True is for plain"),
        ("@plugin.background(3)\ndef a(): ...", "without parentheses, above a function"),
        ("Plugin(max_in_flight=0)", "must be at least 1"),
        (
            "@plugin.method('a')\ndef a(): ...\n@plugin.method('a')\ndef b(): ...",
            "registered twice",
        ),
        ("@plugin.method('a')\ndef a(): yield", "a function with yield cannot"),
        ("@plugin.hook('recover')\ndef a(x): yield {}", "a function with yield cannot"),
        ("@plugin.subscribe('connect')\ndef a(x): yield", "a function with yield cannot"),
        ("@plugin.on_init\ndef a(): yield", "a function with yield cannot"),
        ("@plugin.background\ndef a(): yield", "a function with yield cannot"),
        (
            "class A:\n    def __call__(self): yield\nplugin.method('a')(A())",
            "a function with yield cannot",
        ),
        (
            "class A:\n    async def __call__(self): yield\nplugin.method('a')(A())",
            "'async def' with yield",
        ),
        (
            "def a(x): yield\nplugin.option('a', dynamic=True, on_change=a)",
            "a function with yield cannot",
        ),
        ("@plugin.on_init\nasync def a(): yield", "'async def' with yield"),
        ("@plugin.on_shutdown\nasync def a(): yield", "'async def' with yield"),
        (
            "async def a(x): ...\nplugin.option('a', dynamic=True, on_change=a)",
            "takes a plain function",
        ),
        ("@plugin.hook('db_write', before='a.py')\ndef a(x): ...", "lists of plugins' names"),
        ("@plugin.hook('rpc_command', filters='pay')\ndef a(x): ...", "such as ['pay']"),
        ("@plugin.hook\ndef db_write(x): ...", "needs a name: @plugin.hook('name')"),
        ("@plugin.method\ndef hello(): ...", "needs a name: @plugin.method('name')"),
        ("@plugin.subscribe\ndef connect(x): ...", "needs a name: @plugin.subscribe('name')"),
        ("Plugin(feature_bits={'peer': '80'})", "'peer' is none of node, init, channel, invoice"),
        ("Plugin(feature_bits={'node': 80})", "node: 80 is not hexadecimal"),
        ("Plugin(feature_bits={'node': '0x80'})", "node: '0x80' is not hexadecimal"),
        ("plugin.option('a')\nplugin.option('a')", "option 'a' is registered twice"),
        ("plugin.topic('a')\nplugin.topic('a')", "topic 'a' is registered twice"),
        ("plugin.topic('connect')", "would refuse the plugin"),
        ("@plugin.method('init')\ndef a(): ...", "clnwire answers this method"),
        ("@plugin.hook('db_write')\ndef a(): ...", "exactly one parameter"),
        ("@plugin.hook('db_write')\ndef a(x, y): ...", "exactly one parameter"),
        ("@plugin.hook('db_write')\ndef a(*, x): ...", "passed by position"),
        ("@plugin.hook('db_write', filters=['x'])\ndef a(x): ...", "takes no filters; only"),
        ("@plugin.method('a')\ndef a(x: 'Missing'): ...", "importable at run time"),
        (
            "@plugin.method('a')\ndef a(x: 'msgspec.Nope'): ...",
            "method 'a': the annotations cannot",
        ),
        (
            "import operator\nplugin.method('a')(operator.itemgetter(1))",
            "annotations cannot be read",
        ),
        ("@plugin.method('a')\ndef a(x: type): ...", "method 'a': parameter 'x': JSON has no"),
        ("@plugin.method('a')\ndef a(x: set[int] | list[int]): ...", "method 'a': Type unions"),
        (
            "Plugin(custom_messages=[32769, 32768])",
            "custom message 32768: plugins may only",
        ),
        ("Plugin(dynamic=True, feature_bits={'node': '80'})", "cannot be dynamic"),
    ],
)
def test_registering_what_cannot_work_says_why(body, said):
    program = compile(source(body), "plugin_under_test.py", "exec", dont_inherit=True)
    with pytest.raises(UsageError, match=re.escape(said)):
        exec(program, {"__name__": "plugin_under_test"})


def test_what_cannot_work_ends_the_plugin_before_it_runs(plugin):
    daemon = plugin("@plugin.hook\ndef db_write(x): ...")
    assert daemon.process.wait(20) == 1
    assert daemon.errors().strip().splitlines()[-1].startswith("clnwire.errors.UsageError: ")


def test_disable(plugin):
    daemon = plugin("plugin.disable('not here')")
    assert daemon.getmanifest()["disable"] == "not here"


def test_disable_in_on_init(plugin, dialect):
    daemon = plugin(
        """
        @plugin.on_init
        def ready(init):
            assert plugin.configuration is init.configuration
            if init.configuration.network in (None, "regtest"):
                plugin.disable("not on this network")
        """,
        dialect=dialect,
    )
    daemon.getmanifest()
    assert daemon.init() == {"disable": "not on this network"}
    assert ("disabled: not on this network" in daemon.log_text()) == (dialect == "2019")


def test_an_on_init_that_fails_disables(plugin):
    daemon = plugin(
        """
        @plugin.on_init
        def ready():
            raise RuntimeError("no space")
        """
    )
    daemon.getmanifest()
    assert daemon.init() == {"disable": "init failed: RuntimeError: no space"}
    assert "RuntimeError: no space" in daemon.log_text()


def test_the_daemon_class_sees_a_dead_plugin(tmp_path):
    path = tmp_path / "dies.py"
    path.write_text("raise SystemExit(7)")
    daemon = Daemon(path)
    try:
        with pytest.raises(EOFError):
            daemon.reply()
        assert daemon.process.wait(20) == 7
    finally:
        daemon.close()


def test_what_else_the_manifest_may_say(plugin):
    daemon = plugin(
        "plugin = Plugin(feature_bits={'node': '80', 'init': '40'}, custom_messages=[32769])"
    )
    manifest = daemon.getmanifest()
    assert manifest["featurebits"] == {"node": "80", "init": "40"}
    assert manifest["custommessages"] == [32769]
    assert manifest["dynamic"] is False, "the daemon refuses feature bits that come and go"
    assert manifest["nonnumericids"] is True
