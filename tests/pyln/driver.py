"""Runs plugins, each in a fork of this process: `python driver.py FOLDER`, jobs as JSON on stdin.

A job is a plugin's name and the traffic that it reads. What comes out, per job: stdout, the exit
status (`None` if it had to be killed).
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from preloaded import end

# There is another `pyln`.
sys.path.pop()

PATIENCE = 120
"""Seconds until a plugin that hangs is killed."""


def main() -> None:
    """Runs all, one after the other."""
    # Each plugin would import them.
    import inspect
    import logging
    import threading  # noqa: F401

    import pyln.client

    logging.getLogger()
    assert pyln.client.Plugin
    assert inspect.signature
    # The plugins' collector need not look at, and so copy, what is there already.
    gc.freeze()
    folder = Path(sys.argv[1])
    jobs = json.load(sys.stdin)
    reports = [_run(folder, job["name"], job["traffic"].encode()) for job in jobs]
    sys.stdout.write(json.dumps(reports))


def _run(folder: Path, name: str, traffic: bytes) -> dict[str, Any]:
    traffic_end, feed = os.pipe()
    output, output_end = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(feed)
        os.close(output)
        _become(folder, name, traffic_end, output_end)
    os.close(traffic_end)
    os.close(output_end)
    written = _talk(feed, output, traffic, pid)
    _, status = os.waitpid(pid, 0)
    return {"output": written.decode(errors="replace"), "status": os.waitstatus_to_exitcode(status)}


def _talk(feed: int, output: int, traffic: bytes, pid: int) -> bytes:
    """Writes and reads by turns, until all ends of the output are closed."""
    os.set_blocking(feed, False)
    written, deadline = bytearray(), time.monotonic() + PATIENCE
    while True:
        waits = [feed] if feed >= 0 else []
        ready, writable, _ = select.select([output], waits, [], 1)
        if writable:
            traffic = _fed(feed, traffic)
            if not traffic:
                os.close(feed)
                feed = -1
        if ready:
            piece = os.read(output, 1 << 16)
            written += piece
            if not piece:
                break
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
    for each in {feed, output} - {-1}:
        os.close(each)
    return bytes(written)


def _fed(feed: int, traffic: bytes) -> bytes:
    """What is left to write."""
    try:
        return traffic[os.write(feed, traffic) :]
    except BrokenPipeError:
        return b""


def _become(folder: Path, name: str, stdin: int, stdout: int) -> None:
    """Runs the plugin as `python NAME.py` would, and ends as that does."""
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    errors = os.open(folder / f"{name}.err", os.O_WRONLY | os.O_CREAT)
    os.dup2(errors, 2)
    for each in (stdin, stdout, errors):
        os.close(each)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8")  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
    os.environ["LIGHTNINGD_PLUGIN"] = "1"
    os.environ["LIGHTNINGD_VERSION"] = "v26.06"
    sys.argv[:] = [str(folder / f"{name}.py")]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, int):
            end(ended.code)
        raise
    end(0)
    sys.exit()


if __name__ == "__main__":
    main()
