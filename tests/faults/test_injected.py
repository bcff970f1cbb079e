"""A few of the faults of `python -m tests.faults`: the kinds that once lost something, or might."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import journal, plugin, record, replica
from tests.faults.outcome import AS_ASKED, ENDED, UNHARMED, Faults
from tests.faults.strace import calls, can_attach, injected

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        not can_attach(), reason="needs strace, and leave to attach it to a process"
    ),
]

EVERY_THIRD = "when=1+3"
"""Not every other: after a read that was interrupted, a plugin empties its wakeup pipe."""
KINDS = pytest.mark.parametrize("kind", plugin.KINDS)


@pytest.mark.promise(
    "system calls are interrupted by signals, at every third call",
    "nobody notices",
)
@KINDS
def test_every_third_call_of_a_plugin_is_interrupted(tmp_path: Path, kind: str) -> None:
    waits = "read,write,ppoll,poll,epoll_wait,epoll_pwait,sendto,recvfrom,clock_nanosleep"
    outcome = plugin.run(kind, tmp_path, Faults([f"{waits}:error=EINTR:{EVERY_THIRD}"]))
    assert outcome.kind == UNHARMED
    assert injected(tmp_path / "calls")


@pytest.mark.promise("system calls are interrupted by signals, at every third call")
def test_a_signal_at_every_third_call_of_a_plugin(tmp_path: Path) -> None:
    rule = f"read,write,futex,sendto,recvfrom:signal=WINCH:{EVERY_THIRD}"
    outcome = plugin.run("plugin", tmp_path, Faults([rule]))
    assert outcome.kind == UNHARMED
    assert injected(tmp_path / "calls")


@pytest.mark.promise("system calls are interrupted by signals, at every third call")
@KINDS
def test_every_third_call_of_a_start_is_interrupted(tmp_path: Path, kind: str) -> None:
    rule = f"read,write,ppoll,poll,epoll_wait,epoll_pwait,connect:error=EINTR:{EVERY_THIRD}"
    outcome = plugin.start(kind, tmp_path, Faults([rule]))
    assert outcome.kind == UNHARMED
    assert injected(tmp_path / "calls")


@pytest.mark.promise("a pipe to the daemon fails", "the log and stderr name it, exit status 1")
@pytest.mark.parametrize("kind", ["plugin", "plugin on asyncio"])
@pytest.mark.parametrize("call", ["read", "write"])
def test_a_pipe_that_fails_is_named(tmp_path: Path, kind: str, call: str) -> None:
    outcome = plugin.run(kind, tmp_path, Faults([f"{call}:error=EIO:when=4"], threads=False))
    assert outcome.kind == ENDED
    assert "cannot read from the daemon or write to it: Input/output error" in outcome.said
    assert "Traceback" not in outcome.said


@pytest.mark.promise(
    "the journal's disk fails at a call, or its writer is killed there",
    "what was acknowledged is read",
)
@pytest.mark.parametrize(
    "rule",
    [
        "pwritev:error=ENOSPC:when=5",
        "fallocate:error=ENOSPC:when=1",
        "fdatasync:error=EIO:when=6",
        "openat:error=EMFILE:when=4",
    ],
)
def test_a_journal_whose_disk_fails(tmp_path: Path, rule: str) -> None:
    outcome = journal.run(tmp_path, Faults([rule]))
    assert outcome.kind in (ENDED, UNHARMED)
    assert injected(tmp_path / "calls")


@pytest.mark.promise("the journal's disk fails at a call, or its writer is killed there")
@pytest.mark.parametrize("call", ["pwritev", "fdatasync", "ftruncate"])
def test_a_journal_s_writer_killed_at_a_call(tmp_path: Path, call: str) -> None:
    faults = Faults([f"{call}:signal=KILL:when=1"], threads=False, ends=True)
    assert journal.run(tmp_path, faults).kind == AS_ASKED
    assert calls(tmp_path / "calls")[call] == 1


def test_a_replica_whose_disk_is_full(tmp_path: Path) -> None:
    outcome = replica.run(tmp_path, Faults(["pwritev:error=ENOSPC:when=3+"]))
    assert outcome.kind == ENDED
    assert "No space left on device" in outcome.said


def test_a_capture_whose_disk_is_full(tmp_path: Path) -> None:
    outcome = record.run("writer", tmp_path, Faults(["write:error=ENOSPC:when=1"]))
    assert outcome.kind == ENDED
    assert "No space left on device" in outcome.said


@pytest.mark.promise("a pipe to the daemon fails")
@pytest.mark.parametrize("call", ["read", "write"])
def test_a_pipe_of_the_recorder_that_fails_is_named(tmp_path: Path, call: str) -> None:
    outcome = record.run("proxy", tmp_path, Faults([f"{call}:error=EIO:when=7"]))
    assert outcome.kind == ENDED
    assert "and ends: Input/output error" in outcome.said
