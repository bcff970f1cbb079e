"""How long a `db_write` takes from the daemon's write to the whole answer, for each peer in turn.

    python benches/round_trip.py [--quick] [--save benches/results/NAME.json]

Real processes and pipes; daemon and plugin share one core, so that what is measured is work and
not how two cores wake each other. The daemon's side is Python: some 3 µs of every figure are its
own. Every answer is checked. Peers take turns in several rounds; ratios of medians are what to
quote, since the machine's speed changes from run to run.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PEERS = {
    "clnwire": ("clnwire_db_write.py", "clnwire"),
    "clnwire, msgspec.Raw": ("clnwire_db_write_raw.py", "clnwire"),
    "pyln-client": ("pyln_db_write.py", "pyln-client"),
}
SIZES = {"0.4 kB": 400, "2.4 kB": 2_400, "12 kB": 12_000, "1 MB": 1_000_000}
STATEMENT = "UPDATE channels SET next_htlc_id=17, msatoshi_local=999000 WHERE id=3 AND state='{}';"


def event(size: int) -> str:
    """The writes of a set of about so many bytes: statements of some 90 and 250 bytes."""
    writes, length, n = [], 0, 0
    while length < size - 120:
        room = min(size - 120 - length, 250 if n % 3 else 90)
        writes.append(STATEMENT.format("a" * max(0, room - len(STATEMENT))))
        length, n = length + len(writes[-1]) + 3, n + 1
    # Compact, as the daemon writes.
    return json.dumps(writes, separators=(",", ":"))


class Peer:
    """A plugin process, started and initialised."""

    def __init__(self, script: str) -> None:
        environment = {**os.environ, "LIGHTNINGD_PLUGIN": "1"}
        # As in production: the second start finds the bytecode that the first one kept.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, HERE / "peers" / script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input, self.output = self.process.stdin.fileno(), self.process.stdout.fileno()
        self.ask("getmanifest", "1", '{"allow-deprecated-apis":false}')
        self.start_seconds = time.perf_counter() - started
        configuration = '{"lightning-dir":"/tmp","rpc-file":"r","network":"regtest","startup":true'
        configuration += ',"feature_set":{}}'
        self.ask("init", "2", f'{{"options":{{}},"configuration":{configuration}}}')

    def ask(self, method: str, number: str, params: str) -> dict[str, object]:
        token = f"cln:{method}#{number}"
        head = f'{{"jsonrpc":"2.0","id":"{token}","method":"{method}","params":'
        reply = json.loads(self.exchange(f"{head}{params}}}\n\n".encode()))
        assert reply["id"] == token, reply
        assert "result" in reply, reply
        return dict(reply)

    def exchange(self, frame: bytes) -> bytes:
        """Sends a frame and reads until the answer is whole."""
        written = os.write(self.input, frame)
        while written < len(frame):
            written += os.write(self.input, frame[written:])
        answer = os.read(self.output, 65536)
        while not answer.endswith(b"\n\n"):
            answer += os.read(self.output, 65536)
        return answer

    def measure(self, size: int, count: int) -> list[float]:
        """Round trips in µs."""
        writes, spent = event(size), []
        for n in range(count):
            frame = (
                f'{{"jsonrpc":"2.0","id":"cln:db_write#{n}","method":"db_write",'
                f'"params":{{"data_version":{n},"writes":{writes}}}}}\n\n'
            ).encode()
            before = time.perf_counter_ns()
            answer = self.exchange(frame)
            spent.append((time.perf_counter_ns() - before) / 1000)
            reply = json.loads(answer)
            assert reply["id"] == f"cln:db_write#{n}", reply
            assert reply["result"] == {"result": "continue"}, reply
        return spent

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def measure(rounds: int, count: int) -> dict[str, dict[str, dict[str, float]]]:
    """Peer → size → the median round's median and 99 %, in µs."""
    results: dict[str, dict[str, dict[str, float]]] = {}
    for size_name, size in SIZES.items():
        repeats = max(10, count * 2400 // max(size, 2400))
        samples: dict[str, list[list[float]]] = {}
        for _ in range(rounds):
            for name in present():
                peer = Peer(PEERS[name][0])
                peer.measure(size, repeats // 10 + 1)
                samples.setdefault(name, []).append(sorted(peer.measure(size, repeats)))
                peer.close()
        for name, rows in samples.items():
            results.setdefault(name, {})[size_name] = {
                "median_us": round(statistics.median(row[len(row) // 2] for row in rows), 2),
                "p99_us": round(statistics.median(row[len(row) * 99 // 100] for row in rows), 2),
            }
    return results


def present() -> list[str]:
    """The peers that are installed; the others are named on stderr once a run."""
    return [name for name, (_, package) in PEERS.items() if version(package)]


def version(package: str) -> str:
    """A package's version, or nothing if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def start_times() -> dict[str, float]:
    """Peer → the median time from exec to the manifest, in ms."""
    times: dict[str, float] = {}
    for name in present():
        peers = [Peer(PEERS[name][0]) for _ in range(9)]
        for peer in peers:
            peer.close()
        times[name] = round(statistics.median(peer.start_seconds for peer in peers) * 1000, 1)
    return times


def machine() -> dict[str, str]:
    """What the numbers were measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": cpu or platform.processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        **{package: version(package) or "absent" for _, package in PEERS.values()},
    }


def show(results: dict[str, dict[str, dict[str, float]]], starts: dict[str, float]) -> None:
    """A table: medians in µs, and how many times as long as the first peer they take."""
    first = next(iter(results))
    print(f"{'':22}" + "".join(f"{size:>20}" for size in SIZES) + f"{'start, ms':>12}")
    for name, sizes in results.items():
        cells = (
            f"{row['median_us']:.1f} ({row['median_us'] / results[first][size]['median_us']:.1f}x)"
            for size, row in sizes.items()
        )
        print(f"{name:22}" + "".join(f"{cell:>20}" for cell in cells) + f"{starts[name]:>12}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Round trips of db_write, peer by peer.")
    parser.add_argument("--quick", action="store_true", help="few repeats: does it still work?")
    parser.add_argument("--save", type=Path, help="where to keep the results, as JSON")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.disable()
    for name in PEERS.keys() - set(present()):
        print(f"{name} is not installed here, so it is absent below", file=sys.stderr)
    results = measure(1, 50) if arguments.quick else measure(5, 5000)
    starts = start_times()
    show(results, starts)
    if arguments.save:
        report = {"machine": machine(), "round_trip": results, "start_ms": starts}
        arguments.save.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
