"""A plugin with `db_write` is the last to leave: the daemon commits while it stops."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from clnwire._runtime import siblings
from clnwire._runtime.siblings import Process
from tests.daemon import Daemon

pytestmark = pytest.mark.process

WRITER = """
    import time
    plugin = Plugin(shutdown_seconds=SECONDS)

    @plugin.hook("db_write")
    PREFIXdef on_write(event: DbWrite):
        time.sleep(float(event.writes[0]))
        plugin.log(f"write {event.data_version}")
        return CONTINUE

    @plugin.on_shutdown
    def bye():
        plugin.log("bye")
"""
LONGER_THAN_QUIET = 1.6
"""Seconds. A busy machine can hide a plugin that leaves too early, but not make one up."""


@pytest.fixture(autouse=True)
def host_of_its_own(monkeypatch, tmp_path):
    """Whatever else this process has started is not a sibling."""
    monkeypatch.setenv(siblings.HOST, f"{os.getpid()} {tmp_path}")


@pytest.fixture(params=["", "async "])
def writer(plugin, request):
    def start(seconds: float = 20) -> Daemon:
        body = WRITER.replace("SECONDS", str(seconds)).replace("PREFIX", request.param)
        daemon: Daemon = plugin(body)
        daemon.start()
        return daemon

    return start


def write(daemon: Daemon, version: int, seconds: float = 0) -> None:
    params = {"data_version": version, "writes": [str(seconds)]}
    assert daemon.call("db_write", params) == {"result": "continue"}


def ended(daemon: Daemon) -> str:
    daemon.drain()
    assert daemon.process.wait(20) == 0
    return daemon.log_text()


@pytest.mark.promise("a plugin with `db_write` exits while the daemon stops and still commits")
def test_it_has_its_end_announced_and_cannot_be_stopped_alone(plugin):
    daemon = plugin('@plugin.hook("db_write")\ndef w(event): return CONTINUE')
    manifest = daemon.start()
    assert manifest["subscriptions"] == ["shutdown"]
    assert manifest["dynamic"] is False


def test_it_may_be_dynamic_on_request(plugin):
    daemon = plugin(
        'plugin = Plugin(dynamic=True)\n@plugin.hook("db_write")\ndef w(event): return CONTINUE'
    )
    assert daemon.start()["dynamic"] is True


@pytest.mark.promise(
    "a plugin with `db_write` exits while the daemon stops and still commits",
    "it [leaves last](plugin.md#leaving-last), and is not `dynamic` by default",
)
def test_it_serves_while_the_daemon_stops_and_then_says_goodbye(writer):
    daemon = writer()
    daemon.notify("shutdown", {})
    for version in range(1, 5):
        write(daemon, version)
        time.sleep(0.3)
    assert ended(daemon).endswith("info write 4\ninfo bye")


def test_it_does_not_leave_in_a_long_handler(writer):
    daemon = writer()
    daemon.notify("shutdown", {})
    write(daemon, 1, LONGER_THAN_QUIET)
    write(daemon, 2)
    assert ended(daemon).endswith("info write 2\ninfo bye")


def test_it_does_not_leave_in_the_middle_of_a_message(writer):
    daemon = writer()
    daemon.notify("shutdown", {})
    message = (
        '{"jsonrpc":"2.0","id":"x","method":"db_write","params":{"data_version":1,"writes":["0"]}}'
    )
    daemon.write(message[:40])
    time.sleep(LONGER_THAN_QUIET)
    daemon.write(message[40:] + "\n\n")
    assert daemon.reply()["result"] == {"result": "continue"}
    assert ended(daemon).endswith("info bye")


def test_it_waits_for_the_other_plugins(writer):
    daemon = writer()
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    daemon.notify("shutdown", {})
    time.sleep(LONGER_THAN_QUIET)
    write(daemon, 1)
    # lightningd does not collect its children then: what is left is a zombie.
    other.kill()
    assert ended(daemon).endswith("info bye")
    other.communicate()


def test_the_end_of_its_input_ends_it_at_once(writer):
    daemon = writer()
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    daemon.notify("shutdown", {})
    write(daemon, 1)
    assert daemon.hang_up() == 0
    assert daemon.log_text().endswith("info bye")
    other.kill()
    other.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="two see each other's marks on Linux only")
def test_two_do_not_wait_for_each_other(writer):
    first, second = writer(), writer()
    for daemon in (first, second):
        daemon.notify("shutdown", {})
    for daemon in (first, second):
        assert ended(daemon).endswith("info bye")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_does_not_end_it_before_the_daemon(writer, number):
    daemon = writer()
    daemon.signal(number)
    time.sleep(LONGER_THAN_QUIET)
    write(daemon, 1)
    daemon.notify("shutdown", {})
    write(daemon, 2)
    assert ended(daemon).endswith("info write 2\ninfo bye")


def test_a_signal_to_it_alone_ends_it_when_no_shutdown_follows(writer):
    daemon = writer(seconds=1)
    daemon.signal(signal.SIGTERM)
    assert ended(daemon).endswith("info bye")


def test_a_second_signal_kills(writer):
    daemon = writer()
    daemon.signal(signal.SIGTERM)
    write(daemon, 1)
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(20) == -signal.SIGTERM


TREE = {
    1: Process(0, "init"),
    10: Process(1, "lightningd"),
    11: Process(10, "lightning_hsmd"),
    12: Process(10, "lightning_gossi"),
    20: Process(10, "python3"),
    5: Process(1, "sshd"),
}


class TestSiblings:
    """Who counts: the daemon's children, but for its own."""

    @pytest.fixture(autouse=True)
    def under_lightningd(self, monkeypatch):
        monkeypatch.delenv(siblings.HOST)

    def test_none_but_the_daemons_own(self):
        assert siblings.siblings(TREE, 20) == []

    def test_another_plugin(self):
        assert siblings.siblings({**TREE, 21: Process(10, "bcli")}, 20) == [21]

    def test_from_within_a_wrapper(self):
        tree = {**TREE, 20: Process(10, "uv"), 30: Process(20, "python3")}
        assert siblings.siblings(tree, 30) == []
        assert siblings.siblings({**tree, 21: Process(10, "bcli")}, 30) == [21]

    def test_children_of_a_plugin_are_none(self):
        assert siblings.siblings({**TREE, 40: Process(20, "ps")}, 20) == []

    def test_processes_are_found_in_proc_or_by_ps(self):
        listings = [
            listed
            for listed, there in (
                (siblings._from_proc, sys.platform == "linux"),
                (siblings._from_ps, shutil.which("ps") is not None),
            )
            if there
        ]
        assert listings
        for listed in listings:
            assert listed()[os.getpid()].parent == os.getppid()

    def test_where_nothing_can_be_listed_others_are_supposed(self, monkeypatch):
        monkeypatch.setattr(siblings, "_listed", dict)
        assert siblings.others_run()
