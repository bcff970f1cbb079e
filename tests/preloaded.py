"""Runs Python programs in forks of a process that has imported what they all need.

A process of its own would spend most of its time with that. `sys.argv[2:]` names the modules. The
socket with the number in `sys.argv[1]` brings one program after another: a line of JSON, and
descriptors for its standard input and outputs and for a pipe, into which its process's id is
written, and its status when it has ended.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import types
from pathlib import Path
from typing import Any


def become(program: dict[str, Any], streams: list[int]) -> list[str]:
    """Makes this process what `python` would be with these words, which it returns."""
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
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 4)
        while text and not text.endswith(b"\n"):
            text += control.recv(1 << 16)
        if not text:
            return None
        *streams, ended = descriptors
        if os.fork() == 0:
            control.close()
            program = json.loads(text)
            if started(ended, streams, program["has_session"]):
                return become(program, streams)
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


def started(ended: int, streams: list[int], has_session: bool) -> bool:
    """Forks the program: true in it. Its parent waits for it, and says how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        if has_session:
            os.setsid()
        os.write(ended, b"%d\n" % os.getpid())
        os.close(ended)
        return True
    # Whoever reads its outputs is to see their end with the program's, and not with this process's.
    for descriptor in streams:
        os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    os.write(ended, b"%d\n" % os.waitstatus_to_exitcode(status))
    return False


def run(words: list[str]) -> None:
    """Runs a file, or `-m` and a module, as `python` does."""
    from runpy import run_module

    if words[0] == "-m":
        sys.argv = words[1:]
        sys.path[0] = str(Path.cwd())
        run_module(words[1], run_name="__main__", alter_sys=True)
        return
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = words[0]
    sys.path[0] = str(Path(words[0]).parent)
    exec(compile(Path(words[0]).read_bytes(), words[0], "exec"), module.__dict__)


if __name__ == "__main__":
    for name in sys.argv[2:]:
        # What is not installed is a program's own error.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # The forks' collector need not look at, and so copy, what is there already.
    gc.freeze()
    # Nobody waits for those that wait for the programs.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if (program := serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        run(program)
