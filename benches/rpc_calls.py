"""Measures calls of the daemon's commands with clnwire's client and with pyln-client's.

    python benches/rpc_calls.py [--quick] [--save benches/results/NAME.json]

The daemon is played by a loop that does no more than answer. It and each client are processes of
their own, all on one core. Clients take turns in several rounds, and the medians are shown. Every
answer is checked. Each figure includes the loop's work, so the clients differ by more than the
ratios show.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import typing
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from clnwire._core import Framer
from clnwire.commands.getinfo import GetinfoReply
from clnwire.commands.listpeerchannels import ListpeerchannelsReply
from clnwire.rpc import connect
from suite.machine import machine, version
from suite.results import DROP_IN, PYLN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENTS = {
    "clnwire": "clnwire",
    "clnwire, awaitable": "clnwire",
    "clnwire, dicts": "clnwire",
    DROP_IN: "clnwire",
    PYLN: "pyln-client",
}
"""Client → the package that it needs."""

BUDGETS = {"small, 1 in flight": 2.5, "10 MB, 1 in flight": 5.0}
"""Scenario → how many times the calls of pyln-client the drop-in has to make."""

LARGE_BYTES = 10_000_000
SCENARIOS = {
    "small, 1 in flight": ("getinfo", 1, 2000),
    "small, 16 in flight": ("getinfo", 16, 4000),
    "10 MB, 1 in flight": ("listpeerchannels", 1, 5),
    "10 MB, 16 in flight": ("listpeerchannels", 16, 16),
}
"""Name → the command, the number of calls in flight, and the total number of calls."""


def sample(kind: Any) -> Any:
    """A JSON value of this type, with all members."""
    if hasattr(kind, "__supertype__"):
        return sample(kind.__supertype__)
    if hasattr(kind, "__metadata__"):
        return sample(kind.__origin__)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind, include_extras=True)
        return {each.encode_name: sample(hints[each.name]) for each in msgspec.structs.fields(kind)}
    inner = typing.get_args(kind)
    if typing.get_origin(kind) is list:
        return [sample(inner[0])] * 2
    if inner:
        return sample(next(each for each in inner if each is not type(None)))
    return {str: "02" + "ab" * 24, int: 1_234_567, bool: True, float: 0.5}.get(kind)


def answers(folder: Path) -> None:
    """Writes the daemon's replies to files in the folder."""
    (folder / "getinfo").write_bytes(msgspec.json.encode(sample(GetinfoReply)))
    channel = msgspec.json.encode(sample(ListpeerchannelsReply)["channels"][0])
    count = LARGE_BYTES // len(channel)
    channels = b'{"channels":[%s]}' % b",".join([channel] * count)
    (folder / "listpeerchannels").write_bytes(channels)
    (folder / "count").write_text(str(count))


def serve(folder: Path) -> None:
    """The daemon's process, which runs until its stdin ends."""
    results = {name: (folder / name).read_bytes() for name in ("getinfo", "listpeerchannels")}
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "rpc"))
    listener.listen(64)
    waiting = selectors.DefaultSelector()
    waiting.register(listener, selectors.EVENT_READ)
    waiting.register(sys.stdin, selectors.EVENT_READ)
    print(folder / "rpc", flush=True)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is listener:
                connection, _ = listener.accept()
                waiting.register(connection, selectors.EVENT_READ, Framer())
            else:
                answer(typing.cast("socket.socket", key.fileobj), key.data, results, waiting)


def answer(
    connection: socket.socket,
    framer: Framer,
    results: dict[str, bytes],
    waiting: selectors.BaseSelector,
) -> None:
    """Answers what has come."""
    received = connection.recv(1 << 16)
    if not received:
        waiting.unregister(connection)
        connection.close()
        return
    framer.feed(received)
    for frame in framer:
        head = b'{"jsonrpc":"2.0","id":%b,"result":' % frame.id
        result = results[frame.method or ""]
        if len(result) < 1 << 16:
            connection.sendall(b"%b%b}\n\n" % (head, result))
        else:
            for part in (head, result, b"}\n\n"):  # Without a copy.
                connection.sendall(part)


@contextmanager
def daemon(folder: Path) -> Iterator[str]:
    command = [sys.executable, __file__, "--serve", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        yield run.stdout.readline().strip()
        assert run.stdin is not None
        run.stdin.close()


def check(method: str, count: int, reply: Any) -> None:
    """Raises `AssertionError` unless the reply is the daemon's."""
    get = dict.__getitem__ if isinstance(reply, dict) else getattr
    if method == "getinfo":
        assert get(reply, "blockheight") == 1_234_567
        return
    channels = get(reply, "channels")
    assert len(channels) == count
    for each in (channels[0], channels[-1]):
        value = each["short_channel_id"] if isinstance(each, dict) else each.short_channel_id
        assert value.startswith("02ab")


def blocking(
    call: Callable[[], Any], checked: Callable[[Any], None], width: int, each: int
) -> list[float]:
    """The seconds that each call took; each of `width` threads makes `each` calls, one after
    another."""
    spent: list[float] = []

    def work() -> None:
        for _ in range(each):
            before = time.perf_counter()
            reply = call()
            spent.append(time.perf_counter() - before)
            checked(reply)
            del reply

    if width == 1:
        work()
        return spent
    threads = [threading.Thread(target=work) for _ in range(width)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spent) == width * each, "a thread failed"
    return spent


async def awaitable(
    rpc: Any, method: str, checked: Callable[[Any], None], width: int, each: int
) -> list[float]:
    """As `blocking`, with tasks in place of threads."""
    spent: list[float] = []

    async def work() -> None:
        for _ in range(each):
            before = time.perf_counter()
            reply = await getattr(rpc, method)()
            spent.append(time.perf_counter() - before)
            checked(reply)
            del reply

    await asyncio.gather(*(work() for _ in range(width)))
    return spent


def work(client: str, path: str, folder: Path, scenario: str, calls: int) -> dict[str, float]:
    """A client's process. Returns its measurements."""
    method, width, _ = SCENARIOS[scenario]
    count = int((folder / "count").read_text())
    each = max(1, calls // width)

    def checked(reply: Any) -> None:
        check(method, count, reply)

    if client == PYLN:
        from pyln.client import LightningRpc

        rpc: Any = LightningRpc(path)
    elif client == DROP_IN:
        from clnwire.pyln import LightningRpc as DropIn
        from clnwire.pyln.encoding import use_fast_decoder

        use_fast_decoder()  # As in a plugin, from init on.
        rpc = DropIn(path)
    else:
        rpc = connect(path)
    rpc.getinfo()
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    if client == "clnwire, awaitable":
        spent = asyncio.run(awaitable(rpc.aio, method, checked, width, each))
    elif client == "clnwire, dicts":
        spent = blocking(lambda: rpc.call(method), checked, width, each)
    else:
        spent = blocking(getattr(rpc, method), checked, width, each)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "calls_per_s": len(spent) / seconds,
        "median_ms": statistics.median(spent) * 1000,
        "p99_ms": sorted(spent)[len(spent) * 99 // 100] * 1000,
        "memory_mb": (peak - base) / 1024,
    }


def measure(path: str, folder: Path, rounds: int, share: float) -> dict[str, Any]:
    """Scenario → client → the medians of the rounds."""
    results: dict[str, Any] = {}
    present = [name for name, package in CLIENTS.items() if version(package)]
    for scenario, (_, width, calls) in SCENARIOS.items():
        rows: dict[str, list[dict[str, float]]] = {name: [] for name in present}
        for _ in range(rounds):
            for name in present:
                few = str(max(width, int(calls * share)))
                command = [
                    sys.executable,
                    __file__,
                    "--work",
                    name,
                    path,
                    str(folder),
                    scenario,
                    few,
                ]
                run = subprocess.run(command, capture_output=True, text=True, check=True)
                rows[name].append(json.loads(run.stdout))
        results[scenario] = {
            name: {key: round(statistics.median(row[key] for row in taken), 3) for key in taken[0]}
            for name, taken in rows.items()
        }
        show(scenario, results[scenario])
    return results


def show(scenario: str, clients: dict[str, dict[str, float]]) -> None:
    first = next(iter(clients.values()))
    print(scenario)
    for name, row in clients.items():
        times = row["median_ms"] / first["median_ms"]
        print(
            f"  {name:23} {row['calls_per_s']:10.1f}/s  median {row['median_ms']:9.3f} ms"
            f" ({times:.1f}x)  99 % {row['p99_ms']:9.3f} ms  memory {row['memory_mb']:7.1f} MB"
        )
    if scenario in BUDGETS and PYLN in clients:
        ratio = clients[DROP_IN]["calls_per_s"] / clients[PYLN]["calls_per_s"]
        verdict = "met" if ratio >= BUDGETS[scenario] else "missed"
        print(
            f"  drop-in: {ratio:.1f}x the calls of pyln-client (>= {BUDGETS[scenario]}: {verdict})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures calls of the daemon's commands.")
    parser.add_argument("--quick", action="store_true", help="few calls: does it still work?")
    parser.add_argument("--save", type=Path, help="file for the results, as JSON")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
    elif arguments.work:
        client, path, folder, scenario, calls = arguments.work
        print(json.dumps(work(client, path, Path(folder), scenario, int(calls))))
    else:
        run(arguments.quick, arguments.save)


def run(quick: bool, save: Path | None) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        answers(folder)
        with daemon(folder) as path:
            results = measure(path, folder, 1 if quick else 5, 0.01 if quick else 1)
    if save:
        facts = {**msgspec.to_builtins(machine()), "pyln-client": version("pyln-client")}
        save.write_text(json.dumps({"machine": facts, "calls": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
