"""The client's end of a unix socket, and frames with a large result."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading

import pytest

from clnwire._core import Framer, Stream


@pytest.fixture
def listener(tmp_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    listener.listen()
    yield listener
    listener.close()


@pytest.fixture
def both_ends(listener):
    stream = Stream(listener.getsockname())
    other, _ = listener.accept()
    yield stream, other
    stream.close()
    other.close()


def test_what_comes_goes_into_the_framer(both_ends):
    stream, other = both_ends
    framer = Framer()
    assert stream.receive(framer) is None, "nothing is there yet"
    other.sendall(b'{"id":1,"result":[1]}\n\n{"id":2,')
    assert stream.receive(framer) == 31
    (frame,) = framer
    assert frame.bytes == b'{"id":1,"result":[1]}'
    other.sendall(b'"result":[2]}')
    other.close()
    assert stream.receive(framer) == 13
    assert next(framer).result == b"[2]"
    assert stream.receive(framer) == 0, "the end"


def test_sending_goes_on_where_it_stopped(both_ends):
    stream, other = both_ends
    data = bytes(range(256)) * 20_000
    sent = 0
    while (count := stream.send(data, sent)) is not None:
        sent += count
    assert 0 < sent < len(data), "it does not wait for the other end"
    received = bytearray()
    while len(received) < len(data):
        if sent < len(data):
            sent += stream.send(data, sent) or 0
        received += other.recv(1 << 20)
    assert bytes(received) == data
    assert stream.send(data, len(data)) == 0


def test_hanging_up_wakes_who_waits(both_ends):
    stream, _ = both_ends
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLIN)
    timer = threading.Timer(0.1, stream.hang_up)
    timer.start()
    assert poll.poll(10_000)
    timer.join()
    assert stream.receive(Framer()) == 0
    stream.hang_up()


def test_closed(both_ends):
    stream, other = both_ends
    stream.close()
    stream.close()
    stream.hang_up()
    assert stream.fileno() == -1
    assert other.recv(10) == b""
    for attempt in (lambda: stream.receive(Framer()), lambda: stream.send(b"x", 0)):
        with pytest.raises(OSError, match="descriptor") as caught:
            attempt()
        assert caught.value.errno == errno.EBADF


def test_the_other_end_is_gone(both_ends):
    stream, other = both_ends
    other.close()
    with pytest.raises(BrokenPipeError):
        stream.send(b"x", 0)


def test_nobody_listens(tmp_path, listener):
    path = listener.getsockname()
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        Stream(path)
    with pytest.raises(FileNotFoundError):
        Stream(str(tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError):
        Stream("x" * 200)  # longer than an address takes


def test_the_descriptor_is_not_inherited(both_ends):
    assert not os.get_inheritable(both_ends[0].fileno())


@pytest.mark.parametrize("text", ['{"id":1, "result" : [1, 2]}', '{"result":null}', '{"result":7}'])
def test_where_the_result_stands(text):
    framer = Framer()
    framer.feed(text.encode())
    (frame,) = framer
    start, end = frame.result_span
    assert frame.bytes[start:end] == frame.result


def test_no_result():
    framer = Framer()
    framer.feed(b'{"id":1,"error":{}}')
    (frame,) = framer
    assert frame.result_span is None


def test_a_large_frame_leaves_no_memory_behind():
    framer = Framer()
    framer.feed(b'["' + b"x" * 20_000_000 + b'"] {"id":1')
    assert len(next(framer).bytes) == 20_000_004
    assert framer.buffered == 8
    framer.feed(b"}")
    assert next(framer).id == b"1"
