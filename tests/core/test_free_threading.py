"""The core's types shared by threads, with Python's lock and, on a build that has none, without."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from clnwire._core import Framer, IdError, IdMap, Outbox

THREADS = 4
ROUNDS = 2_000


def at_once(act: Callable[[int], list]) -> list:
    """What each thread did, all of them begun at the same moment."""
    barrier = Barrier(THREADS)

    def run(number: int) -> list:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return [one for done in threads.map(run, range(THREADS)) for one in done]


def test_each_id_is_taken_once():
    ids = IdMap()
    texts = [b'"%d"' % number for number in range(ROUNDS)]
    keys = [ids.insert(text) for text in texts]

    def take_all(_: int) -> list:
        taken = []
        for key in keys:
            try:
                taken.append(ids.take(key))
            except IdError:
                continue
        return taken

    assert sorted(at_once(take_all)) == sorted(texts)
    assert len(ids) == 0


def test_keys_are_never_given_twice():
    ids = IdMap()
    keys = at_once(lambda number: [ids.insert(b"%d" % number) for _ in range(ROUNDS)])
    assert len(set(keys)) == len(ids) == THREADS * ROUNDS


@pytest.mark.promise("several threads send at the same time")
def test_messages_are_not_mixed():
    outbox = Outbox()

    def put(number: int) -> list:
        for _ in range(ROUNDS):
            outbox.notification(f"topic{number}", b'{"number":%d}' % number)
        return []

    at_once(put)
    framer = Framer()
    framer.feed(outbox.take())
    frames = list(framer)
    assert len(frames) == THREADS * ROUNDS
    assert {bytes(frame.params or b"") for frame in frames if frame.method == "topic3"} == {
        b'{"number":3}'
    }


def test_each_frame_comes_out_once():
    framer = Framer()
    framer.feed(b"".join(b'{"id":%d}' % number for number in range(ROUNDS)))
    frames = at_once(lambda _: [bytes(frame.id or b"") for frame in framer])
    assert sorted(map(int, frames)) == list(range(ROUNDS))


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="needs a free-threaded Python"
)
def test_the_module_does_not_bring_pythons_lock_back():
    command = [sys.executable, "-X", "gil=0", "-W", "always", "-c", "import clnwire._core"]
    forced = subprocess.run(command, capture_output=True, text=True, check=True)
    assert forced.stderr == ""
    # Left to itself, Python says which module made it take its lock again.
    command[1:3] = []
    free = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "clnwire" not in free.stderr
