"""What handlers cost that wait: the event loop, an `async def`, a thread; and a flood's memory.

    python benches/waiting.py [--quick] [--save benches/results/NAME.json]

The same `db_write` of 2.4 kB goes to the same plugin in each form, in turn, as in `round_trip.py`.
Then each gets a million notifications as fast as it takes them, while its memory is looked at.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import select
import statistics
import sys
import time
from pathlib import Path

from round_trip import Peer, machine

FORMS = {
    "plain": "plain function, blocking driver",
    "beside-asyncio": "plain function, asyncio",
    "beside-uvloop": "plain function, uvloop",
    "async-asyncio": "async def, asyncio",
    "async-uvloop": "async def, uvloop",
    "thread": "thread=True, blocking driver",
}
SIZE = 2_400
FLOOD = json.dumps({"jsonrpc": "2.0", "method": "flood", "params": {"flood": {"text": "x" * 300}}})


def start(form: str) -> Peer:
    os.environ["CLNWIRE_BENCH_FORM"] = form
    return Peer("clnwire_waiting.py")


def round_trips(rounds: int, count: int) -> dict[str, float]:
    """Form → the median round's median, in µs."""
    medians: dict[str, list[float]] = {form: [] for form in FORMS}
    for _ in range(rounds):
        for form, row in medians.items():
            peer = start(form)
            peer.measure(SIZE, count // 10 + 1)
            row.append(statistics.median(peer.measure(SIZE, count)))
            peer.close()
    return {form: round(statistics.median(row), 2) for form, row in medians.items()}


def resident(pid: int) -> int:
    """The process's memory, in bytes."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def flood(form: str, count: int) -> dict[str, float]:
    """Seconds for so many notifications, and by how many MB memory grew meanwhile."""
    peer = start(form)
    batch = (FLOOD + "\n\n").encode() * 1000
    write(peer, batch)
    before = most = resident(peer.process.pid)
    started = time.perf_counter()
    for _ in range(count // 1000 - 1):
        write(peer, batch)
        most = max(most, resident(peer.process.pid))
    while seen(peer) < count:
        time.sleep(0.005)
    seconds = time.perf_counter() - started
    most = max(most, resident(peer.process.pid))
    peer.close()
    return {"seconds": round(seconds, 2), "grown_mb": round((most - before) / 1e6, 1)}


def write(peer: Peer, data: bytes) -> None:
    while data:
        data = data[os.write(peer.input, data) :]


def seen(peer: Peer) -> int:
    """How many notifications the plugin has handled so far."""
    write(peer, b'{"jsonrpc":"2.0","method":"report","params":{}}')
    line = b""
    while not line.endswith(b"\n\n"):
        ready, _, _ = select.select([peer.output], [], [], 60)
        assert ready, "the plugin does not answer"
        line += os.read(peer.output, 65536)
    return int(json.loads(line)["params"]["message"])


def main() -> None:
    parser = argparse.ArgumentParser(description="What handlers cost that wait.")
    parser.add_argument("--quick", action="store_true", help="few repeats: does it still work?")
    parser.add_argument("--save", type=Path, help="where to keep the results, as JSON")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.disable()
    trips = round_trips(1, 50) if arguments.quick else round_trips(5, 5000)
    floods = {}
    if Path("/proc/self/statm").exists():
        count = 5_000 if arguments.quick else 1_000_000
        floods = {form: flood(form, count) for form in FORMS}
    else:
        print("no /proc here, so no flood", file=sys.stderr)
    for form, what in FORMS.items():
        print(f"{what:32}{trips[form]:>8.1f} µs  {floods.get(form, '')}")
    if arguments.save:
        report = {"machine": machine(), "round_trip_us": trips, "flood": floods}
        arguments.save.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
