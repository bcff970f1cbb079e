"""Measures a write of the replica's engine for PostgreSQL: how long the node waits, and CPU time.

    python -m benches.replica_postgresql [--quick] [--save benches/results/NAME.json]

The server runs on this machine, on the disk of the temporary folder. A proxy delays what goes over
a longer network. For comparison, the time of an `fdatasync` of 8 kB on that disk is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

sys.path.insert(0, str(Path(__file__).parent))

from tests.replica.postgres import Pair, Server, binaries, free_port, make_cluster

from clnwire.journal import chain_of, digest_of_file
from clnwire.replica.engines.postgresql import PostgresqlEngine
from clnwire.replica.records import Head, Record
from clnwire.replica.settings import ReplicaSettings
from suite.machine import machine

if TYPE_CHECKING:
    from clnwire.replica.engines import Engine

SIZES = {"0.4 kB": 400, "2.4 kB": 2_400, "12 kB": 12_000, "1 MB": 1_000_000}
DELAYS_MS = (0.0, 1.0, 10.0)
"""Of the network, there and back."""


class Figures(msgspec.Struct):
    """Of one size, in µs."""

    p10: float
    """What others on the machine disturb least."""
    p50: float
    p99: float
    cpu: float
    """CPU time of the plugin a write."""


def measure(engine: Engine, head: Head, size: int, count: int) -> tuple[Head, Figures]:
    """Appends sets one after another."""
    payload = b'{"data_version":1,"writes":["' + b"x" * size + b'"]}'
    times: list[float] = []
    cpu = time.process_time()
    for _ in range(count):
        sequence = head.sequence + 1
        began = time.perf_counter()
        chain = chain_of(head.chain, sequence, True, payload)
        head = engine.append(head, Record(sequence, head.epoch, True, payload, chain))
        times.append((time.perf_counter() - began) * 1e6)
    cpu = (time.process_time() - cpu) / count * 1e6
    cuts = statistics.quantiles(times, n=100)
    return head, Figures(round(cuts[9], 1), round(cuts[49], 1), round(cuts[98], 1), round(cpu, 1))


def measure_all(url: str, durability: str, quick: bool) -> dict[str, Figures]:
    """Size → figures."""
    settings = ReplicaSettings(engine=url, node=f"node{os.urandom(4).hex()}", durability=durability)
    return measure_engine(PostgresqlEngine(settings, writes=True), settings.node, quick)


def measure_engine(engine: Engine, node: str, quick: bool) -> dict[str, Figures]:
    """Size → figures, of an engine that is not opened yet."""
    engine.open()
    with tempfile.NamedTemporaryFile() as base:
        head = Head(node, 1, 1, "0" * 32, 0, digest_of_file(base.name))
        engine.begin(None, head, Path(base.name), lambda _done, _total: None)
    head, _ = measure(engine, head, 400, 20)
    found: dict[str, Figures] = {}
    for name, size in SIZES.items():
        count = 20 if quick else 300 if size < 100_000 else 30
        head, found[name] = measure(engine, head, size, count)
    engine.close()
    return found


def sync_us(folder: Path, count: int) -> float:
    """The median time of `fdatasync` after 8 kB were written over old bytes, as in a log."""
    times: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(8192 * count))
        os.fsync(file.fileno())
        for number in range(count):
            began = time.perf_counter()
            os.pwrite(file.fileno(), os.urandom(8192), number * 8192)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1e6)
    return round(statistics.median(times), 1)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    loop = asyncio.get_running_loop()
    while data := await reader.read(1 << 16):
        loop.call_later(delay, writer.write, data)
    loop.call_later(delay, writer.close)


async def _delayed(port: int, target: int, delay: float) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(_pump(reader, back, delay), _pump(there, writer, delay))

    async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
        await server.serve_forever()


@contextmanager
def network(url: str, server_port: int, delay_ms: float) -> Iterator[str]:
    """The URL of a server, seen over a longer network."""
    if not delay_ms:
        yield url
        return
    port = free_port()
    target = _delayed(port, server_port, delay_ms / 2000)
    proxy = multiprocessing.get_context("fork").Process(target=asyncio.run, args=[target])
    proxy.start()
    try:
        time.sleep(0.5)
        yield url.replace(str(server_port), str(port))
    finally:
        proxy.terminate()
        proxy.join()
        target.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    if binaries() is None:
        print("skipped: needs a PostgreSQL server")
        return
    results: dict[str, dict[str, Figures]] = {}
    with tempfile.TemporaryDirectory() as name:
        cluster = Path(name)
        make_cluster(cluster)
        server = Server(cluster).start()
        synced = sync_us(server.folder, 50 if options.quick else 500)
        try:
            for delay in DELAYS_MS[: 1 if options.quick else None]:
                with network(server.url, server.port, delay) as url:
                    results[f"single, network {delay:g} ms"] = measure_all(
                        url, "single", options.quick
                    )
        finally:
            server.remove()
        pair = Pair(cluster)
        try:
            results["sync, network 0 ms"] = measure_all(pair.primary.url, "sync", options.quick)
        finally:
            pair.remove()
    print(f"fdatasync of 8 kB: {synced:,.0f} µs")
    report(results, options.save, fdatasync_us=synced)


def report(results: dict[str, dict[str, Figures]], save: Path | None, **more: object) -> None:
    """Prints the figures, and saves them."""
    for case, figures in results.items():
        print(case)
        for size, each in figures.items():
            p10, p50, p99, cpu = (f"{value:8,.0f}" for value in msgspec.structs.astuple(each))
            print(f"  {size:>7}: p10 {p10}  p50 {p50}  p99 {p99}  CPU {cpu} µs")
    if save:
        saved = {
            "machine": msgspec.to_builtins(machine()),
            "load": round(os.getloadavg()[1], 1),
            **more,
            "write_us": msgspec.to_builtins(results),
        }
        save.write_text(json.dumps(saved, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
