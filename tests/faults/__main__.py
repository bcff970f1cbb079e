"""Injects errors and signals at every system call of clnwire's programs, and reports what happened.

    python -m tests.faults [--only TEXT] [--seconds S] [--seed N] [--save FILE]

Each program runs once without faults, which lists its system calls. Then it runs once for each call
and each fault, in random order, until all have been or the time is over. Exits with 1 if a promise
was broken, and prints how.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from benches.suite.machine import machine

from tests.faults import host, journal, plugin, record, replica
from tests.faults.outcome import BrokenPromiseError, Faults, Run
from tests.faults.strace import calls, can_attach, injected, is_impossible

PROGRAMS: Mapping[str, Run] = {
    **{kind: partial(plugin.run, kind) for kind in plugin.KINDS},
    **{f"{kind}, its start": partial(plugin.start, kind) for kind in plugin.KINDS},
    "journal": journal.run,
    "replica": replica.run,
    "record, the proxy": partial(record.run, "proxy"),
    "record, the writer": partial(record.run, "writer"),
    "host": host.run,
}
FILES = "EINTR ENOSPC EIO"
ERRORS = {
    "read": "EINTR EAGAIN EIO",
    "write": "EINTR EAGAIN EPIPE EIO ENOSPC",
    "writev": "EINTR EAGAIN EPIPE EIO",
    "poll": "EINTR ENOMEM",
    "ppoll": "EINTR ENOMEM",
    "pselect6": "EINTR",
    "epoll_wait": "EINTR",
    "epoll_pwait": "EINTR",
    "epoll_ctl": "ENOMEM ENOSPC",
    "sendto": "EINTR EAGAIN EPIPE",
    "recvfrom": "EINTR EAGAIN ECONNRESET",
    "socket": "EMFILE ENOBUFS",
    "socketpair": "EMFILE",
    "connect": "EINTR EAGAIN ECONNREFUSED",
    "accept4": "EINTR EMFILE ECONNABORTED",
    "pipe2": "EMFILE ENFILE",
    "openat": "EINTR EMFILE ENOSPC EIO",
    "clone3": "EAGAIN",
    "vfork": "EAGAIN ENOMEM",
    "mmap": "ENOMEM",
    "mremap": "ENOMEM",
    "clock_nanosleep": "EINTR",
    "wait4": "EINTR",
    "fdatasync": FILES,
    "fsync": FILES,
    "ftruncate": FILES,
    "fallocate": f"{FILES} EOPNOTSUPP",
    "pwrite64": FILES,
    "pwritev": FILES,
    "pread64": "EINTR EIO",
    "preadv": "EINTR EIO",
    "rename": "EIO ENOSPC",
    "renameat2": "EIO ENOSPC",
    "mkdir": "EACCES ENOSPC",
    "flock": "EINTR EAGAIN",
    "fcntl": "EINTR",
    "dup2": "EINTR",
}
"""System call → the errors that it is made to fail with.

strace leaves the call out. So these are not made to fail, since no kernel does that: a `futex` that
does not wake, a `close` that leaves the descriptor open, a `brk` that returns no end of the heap.
"""
ENDS = ("EPIPE", "signal=TERM", "signal=KILL")
"""What tells a program to end, kills it, or says that its other end is gone."""
NOT = {"exit", "exit_group", "restart_syscall", "rt_sigreturn", "execve"}


def faults(program: str, counts: Mapping[str, int]) -> Iterator[Faults]:
    """All of them."""
    for call, count in counts.items():
        if call in NOT:
            continue
        errors = ERRORS.get(call, "").split()
        if program == "host" and call in ("read", "write"):
            # It reads and writes pipes alone, which have no others.
            errors = [error for error in errors if error not in ("EIO", "ENOSPC")]
        what = [f"error={error}" for error in errors]
        signals = ["URG", "WINCH", "TERM"] + ["KILL"] * (program in ("journal", "replica"))
        what += [f"signal={name}" for name in signals]
        for one in what:
            for number in range(1, count + 1):
                rule = f"{call}:{one}:when={number}"
                # What ends a process comes once, and the host's children are not meant.
                threads = one not in ENDS and program != "host"
                yield Faults([rule], threads=threads, ends=one.removeprefix("error=") in ENDS)


def attempt(run: Run, one: Faults) -> tuple[str, str, bool]:
    """How it ended, what was said, and whether the call was reached."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            outcome = run(folder, one)
            return outcome.kind, outcome.said, injected(folder / "calls")
        except Exception as error:
            if (folder / "calls").exists() and is_impossible(folder / "calls"):
                return "impossible", "", True
            is_test_s = not isinstance(error, BrokenPromiseError)
            return "BROKEN", f"the test itself: {error!r}" if is_test_s else str(error), True


def try_all(program: str, seconds: float, luck: random.Random) -> dict[str, Any]:
    """The part of the report for one program."""
    run = PROGRAMS[program]
    with tempfile.TemporaryDirectory() as name:
        base = run(Path(name), Faults(threads=program != "host"))
        assert base.kind == "unharmed", base
        planned = list(faults(program, calls(Path(name) / "calls")))
    luck.shuffle(planned)
    until = time.monotonic() + seconds
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    broken: list[str] = []
    said: dict[str, str] = {}

    def one(each: Faults) -> tuple[Faults, tuple[str, str, bool]] | None:
        return (each, attempt(run, each)) if time.monotonic() < until else None

    with ThreadPoolExecutor(4) as pool:
        for done in filter(None, pool.map(one, planned)):
            (rule,), (kind, text, was_injected) = done[0].rules, done[1]
            what = " ".join(rule.split(":")[:2]).replace("error=", "").replace("signal=", "SIG")
            rows[what]["not reached" if not was_injected else kind] += 1
            if text and kind != "unharmed":
                said.setdefault(what, text[:200])
            if kind == "BROKEN":
                broken.append(f"{rule}: {text}")
                print(f"BROKEN {program}, {rule}: {text}", flush=True)
    tried = sum(rows[what].total() for what in rows)
    print(f"{program}: {tried} of {len(planned)} faults, {len(broken)} broken promises", flush=True)
    return {
        "faults": len(planned),
        "tried": tried,
        "broken": broken,
        "what": {what: dict(rows[what]) for what in sorted(rows)},
        "said": dict(sorted(said.items())),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Injects faults at every system call.")
    parser.add_argument("--only", default="", help="programs whose name contains this")
    parser.add_argument("--seconds", type=float, default=3600.0, help="time for a program, at most")
    parser.add_argument("--seed", type=int, default=19, help="for the order of the faults")
    parser.add_argument("--save", type=Path, help="file for the results, as JSON")
    arguments = parser.parse_args()
    if not can_attach():
        sys.exit("injecting faults needs strace, and leave to attach it to a process")
    found: dict[str, Any] = {}
    if arguments.save and arguments.save.exists():
        found = json.loads(arguments.save.read_text())["programs"]
    for program in PROGRAMS:
        if arguments.only in program:
            found[program] = try_all(program, arguments.seconds, random.Random(arguments.seed))
            if arguments.save:
                report = {"machine": msgspec.to_builtins(machine()), "programs": found}
                arguments.save.write_text(json.dumps(report, indent=1) + "\n")
    sys.exit(any(each["broken"] for each in found.values()))


if __name__ == "__main__":
    main()
