"""Runs `clnwire` in forks of a process that has imported what all commands need.

A process of its own would spend most of its time with that. The socket with the number in
`sys.argv[1]` brings one command after another: a line of JSON, and descriptors for both outputs. It
is answered with the process's id, and its status when it has ended.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
from typing import Any

IMPORTED = ("clnwire.cli._group", "rich.console", "typer.main", "typer.rich_utils")


def become(command: dict[str, Any], outputs: list[int]) -> None:
    """Makes this process what `python -m clnwire` would be."""
    descriptors = [os.open(os.devnull, os.O_RDONLY), *outputs]
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, errors="backslashreplace", buffering=1)  # noqa: SIM115
    os.chdir(command["cwd"])
    sys.path[0] = command["cwd"]
    sys.argv = ["clnwire", *command["words"]]


def serve(control: socket.socket) -> bool:
    """Returns True in each fork, which is to run the command, and False at the end."""
    while True:
        text, outputs, _, _ = socket.recv_fds(control, 1 << 16, 2)
        while text and not text.endswith(b"\n"):
            text += control.recv(1 << 16)
        if not text:
            return False
        pid = os.fork()
        if pid == 0:
            control.close()
            become(json.loads(text), outputs)
            return True
        for descriptor in outputs:
            os.close(descriptor)
        control.sendall(b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        control.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    if serve(socket.socket(fileno=int(sys.argv[1]))):
        from clnwire.cli import main

        main()
