"""Runs Python programs in forks of a process that has imported what they all need.

A process of its own would spend most of its time with that. `sys.argv[2:]` names the modules, and
after a colon a function to be called, which keeps what it finds. The socket with the number in
`sys.argv[1]` brings one program after another: a line of JSON, and descriptors for its standard
input and outputs and for a pipe, into which its process's id is written, and its status when it has
ended.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import types
from pathlib import Path
from typing import Any


def become(program: dict[str, Any], streams: list[int], ended: int) -> list[str]:
    """Makes this process what `python` would be with these words, which it returns."""
    if program["has_session"]:
        os.setsid()
    os.write(ended, b"%d\n" % os.getpid())
    os.close(ended)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    errors = sys.stdout.errors
    sys.stdin = sys.__stdin__ = open(0, closefd=False, errors=errors)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(  # noqa: SIM115
        1,
        "w",
        closefd=False,
        errors=errors,
        buffering=1 if "PYTHONUNBUFFERED" in program["environment"] else -1,
    )
    sys.stderr = sys.__stderr__ = open(  # noqa: SIM115
        2, "w", closefd=False, errors="backslashreplace", buffering=1
    )
    os.environ.clear()
    os.environ.update(program["environment"])
    os.chdir(program["cwd"])
    words: list[str] = program["words"]
    sys.argv = words
    return words


def serve(control: socket.socket) -> list[str] | None:
    """Returns the words of the program in each fork, which is to run it, and None at the end."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 1 << 16)
            report(running)
        if control.fileno() not in ready:
            continue
        text, descriptors = received(control)
        if not text:
            return None
        *streams, ended = descriptors
        pid = os.fork()
        if pid == 0:
            forget(control.detach(), woken, wakes, *running.values())
            return become(json.loads(text), streams, ended)
        running[pid] = ended
        # Whoever reads its outputs is to see their end with the program's.
        for descriptor in streams:
            os.close(descriptor)


def received(control: socket.socket) -> tuple[bytes, list[int]]:
    """A program and its descriptors; nothing at the end."""
    text, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 4)
    while text and not text.endswith(b"\n"):
        text += control.recv(1 << 16)
    return text, descriptors


def forget(*descriptors: int) -> None:
    """Leaves nothing of the process that serves."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor in descriptors:
        os.close(descriptor)


def report(running: dict[int, int]) -> None:
    """Says of the programs that have ended how they did."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = found
            ended = running.pop(pid)
            # A test may have left without it.
            with contextlib.suppress(BrokenPipeError):
                os.write(ended, b"%d\n" % os.waitstatus_to_exitcode(status))
            os.close(ended)


def end(status: int) -> None:
    """Ends as Python does, but for the teardown of modules, which would copy all that is shared.

    Returns if the outputs cannot be written; Python says so.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(status & 0xFF)


def run(words: list[str]) -> None:
    """Runs a file, or `-m` and a module, as `python` does."""
    if words[0] == "-m":
        sys.argv = words[1:]
        sys.path[0] = str(Path.cwd())
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = words[0]
    sys.path[0] = str(Path(words[0]).parent)
    exec(compile(Path(words[0]).read_bytes(), words[0], "exec"), module.__dict__)


if __name__ == "__main__":
    for name in sys.argv[2:]:
        # What is not installed is a program's own error.
        with contextlib.suppress(ImportError):
            module, _, function = name.partition(":")
            preloaded = importlib.import_module(module)
            if function:
                getattr(preloaded, function)()
    # The forks' collector need not look at, and so copy, what is there already.
    gc.freeze()
    if (program := serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        try:
            run(program)
        except SystemExit as ended:
            if isinstance(ended.code, int):
                end(ended.code)
            raise
        end(0)
