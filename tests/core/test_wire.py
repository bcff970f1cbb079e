"""The daemon's pipes as whole messages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from clnwire._core import MalformedError, Wire

NOTE = b'{"jsonrpc":"2.0","method":"connect","params":{}}'


class Daemon:
    """The other end of a wire's pipes."""

    def __init__(self) -> None:
        theirs, self.input = os.pipe()
        self.output, ours = os.pipe()
        self.wire = Wire((theirs, ours))
        os.close(theirs)
        os.close(ours)

    def sends(self, data: bytes) -> None:
        os.write(self.input, data)

    def hangs_up(self) -> None:
        os.close(self.input)
        self.input = -1

    def reads(self) -> bytes:
        return os.read(self.output, 1 << 20)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    daemon = Daemon()
    yield daemon
    if daemon.input >= 0:
        os.close(daemon.input)
    os.close(daemon.output)


@pytest.mark.promise("a stream is cut anywhere, even byte by byte")
def test_messages_come_whole_whatever_the_cuts(daemon: Daemon) -> None:
    daemon.sends(NOTE + b"\n\n" + NOTE[:9])
    first = daemon.wire.read()
    assert first is not None
    assert (first.bytes, first.kind, first.method) == (NOTE, "notification", "connect")
    daemon.sends(b"\n\n".join((NOTE[9:], NOTE[:1])))
    second = daemon.wire.read()
    assert second is not None
    assert second.bytes == NOTE


def test_the_end(daemon: Daemon) -> None:
    daemon.sends(NOTE)
    daemon.hangs_up()
    assert daemon.wire.read() is not None
    assert daemon.wire.read() is None
    assert daemon.wire.read() is None


def test_an_end_inside_a_message(daemon: Daemon) -> None:
    daemon.sends(NOTE[:20])
    daemon.hangs_up()
    with pytest.raises(MalformedError):
        daemon.wire.read()


def test_what_was_read_before_comes_first(daemon: Daemon) -> None:
    daemon.wire.feed(NOTE[:20])
    daemon.sends(NOTE[20:])
    frame = daemon.wire.read()
    assert frame is not None
    assert frame.bytes == NOTE


def test_a_message_that_is_not_json_is_lost_alone(daemon: Daemon) -> None:
    daemon.sends(b'{"id":1,"method":"x","params":[1.2.3]}\n\n' + NOTE)
    lost, next_one = daemon.wire.read(), daemon.wire.read()
    assert lost is not None
    assert next_one is not None
    assert (lost.kind, lost.id, lost.method) == ("malformed", b"1", "x")
    assert next_one.bytes == NOTE


def test_a_message_is_written_at_once(daemon: Daemon) -> None:
    daemon.wire.write(b"a\n\n")
    assert daemon.reads() == b"a\n\n"


def test_one_thread_reads(daemon: Daemon) -> None:
    reading = threading.Thread(target=daemon.wire.read)
    reading.start()
    with pytest.raises(RuntimeError, match="another thread reads"):
        while reading.is_alive():  # It may not have begun.
            daemon.wire.feed(b" ")
    daemon.hangs_up()
    reading.join()


@pytest.mark.promise("several threads send at the same time", "messages leave whole, never mixed")
def test_messages_of_threads_are_not_mixed(daemon: Daemon) -> None:
    def write(letter: bytes) -> None:
        for _ in range(50):
            daemon.wire.write(letter * 5000 + b"\n")

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    came = b""
    while came.count(b"\n") < 150:
        came += daemon.reads()
    for thread in threads:
        thread.join()
    assert {line.strip(line[:1]) for line in came.split()} == {b""}
    assert sorted(map(len, came.split())) == [5000] * 150


def test_nobody_reads_any_more(daemon: Daemon) -> None:
    os.close(daemon.output)
    with pytest.raises(BrokenPipeError):
        daemon.wire.write(b"a\n\n")
    daemon.output = os.dup(0)


def test_a_signal_s_handler_runs_while_it_waits(daemon: Daemon) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise InterruptedError("by the handler")

    before = signal.signal(signal.SIGUSR1, interrupt)
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(InterruptedError, match="by the handler"):
            daemon.wire.read()
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


STRAY = """
import os, subprocess, sys
from clnwire._core import Wire
wire = Wire()
os.write(1, b"from C\\n")
subprocess.run(["/bin/sh", "-c", "echo from a child"], check=True)
assert os.read(0, 5) == b"input"
wire.close(5)
wire.write(b"the end")
os.write(1, b"on stderr")
"""


def test_stray_output_becomes_lines_of_the_log() -> None:
    command = [sys.executable, "-c", STRAY]
    done = subprocess.run(command, input=b"input", capture_output=True, check=True)
    *lines, end = done.stdout.split(b"\n\n")
    messages = [json.loads(line)["params"] for line in lines]
    assert messages == [
        {"level": "info", "message": "from C"},
        {"level": "info", "message": "from a child"},
    ]
    assert (end, done.stderr) == (b"the end", b"on stderr")
