"""The embedded host under faults: every call ends, and no plugin outlives it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.outcome import (
    AS_ASKED,
    CALLER,
    ENDED,
    UNHARMED,
    BrokenPromiseError,
    Faults,
    Outcome,
)
from tests.faults.program import READY, said_by

PLUGIN = """
from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue, PeerConnected

plugin = Plugin()

@plugin.hook("peer_connected")
def connected(event: PeerConnected) -> Continue:
    return CONTINUE

@plugin.method("echo")
def echo(text: str) -> str:
    plugin.log("echo")
    return text

plugin.run()
"""
HOST = """
import asyncio, sys
from clnwire.host import Host

async def attempt(what):
    try:
        result = await asyncio.wait_for(what, 15)
    except asyncio.TimeoutError:
        print("hangs", flush=True)
    except Exception as error:
        print(f"refused {type(error).__name__}: {error}", flush=True)
    else:
        print("done" if result is None else f"result {result}", flush=True)

async def main():
    async with Host() as host:
        plugin = await host.start("plugin.py")
        print("pid", plugin.pid, file=sys.stderr, flush=True)
        READY
        for text in ("a", "b"):
            await attempt(host.call("echo", {"text": text}))
        await attempt(host.start("second.py"))

asyncio.run(main())
""".replace("READY", "\n        ".join(READY.strip().splitlines()))
EXPECTED = ["result a", "result b"]


def run(folder: Path, faults: Faults) -> Outcome:
    """Calls a plugin's method and starts another one under faults. Raises `BrokenPromiseError`."""
    (folder / "plugin.py").write_text(PLUGIN)
    (folder / "second.py").write_text(PLUGIN.replace('"echo"', '"echo2"'))
    status, lines, errors = said_by(HOST, folder, faults)
    pid = int(errors.split()[1])
    if Path(f"/proc/{pid}").exists() and "plugin.py" in Path(f"/proc/{pid}/cmdline").read_text():
        os.kill(pid, 9)
        raise BrokenPromiseError("a plugin outlives the host")
    if "hangs" in lines and not faults.ends:
        raise BrokenPromiseError("a call does not end")
    for wrong in (each for each in lines if each.startswith("result")):
        if wrong not in EXPECTED and "<" not in wrong:
            raise BrokenPromiseError(f"a wrong result: {wrong}")
    refused = [each for each in lines if each.startswith("refused")]
    said = "; ".join([*refused, *errors.splitlines()[-1:]])
    if status == 0 and len(lines) == 3:
        return Outcome(CALLER if refused else UNHARMED, "; ".join(refused))
    if faults.ends:
        return Outcome(AS_ASKED, said)
    if status == 0 or len(errors.splitlines()) < 2:
        raise BrokenPromiseError(f"it ended with {status}: {lines} {errors}")
    return Outcome(ENDED, f"{status}: {said}")
