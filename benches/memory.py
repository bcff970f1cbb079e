"""Measures whether a plugin's memory grows with the messages: each form of handler, each outcome.

    python -m benches.memory [--quick] [--seconds S] [--count N] [--only TEXT] [--save FILE]

Each row sends messages of one kind to a plugin of its own, for so many seconds or up to so many
messages. Twenty times meanwhile, when all are handled, it notes the resident memory, the bytes that
glibc has given out, Python's blocks, the references to shared objects (of all objects in a debug
build), the descriptors and the threads. A line through the second half gives their growth by
message, with its standard error. Exits with 1 if a row grows.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from .peer import Peer
from .suite.machine import machine

FORMS = ("plain", "async", "thread")
OUTCOMES = ("answer", "refuse", "raise", "invalid", "publish", "log", "print", "call")
ASYNC_OUTCOMES = ("hold", "cancel")
SAMPLES = 20
BATCH = 500
MEASURE = b'{"jsonrpc":"2.0","id":"measure","method":"measure","params":{}}\n\n'
REPLY = b'{"jsonrpc":"2.0","id":'
PEER = {"id": "02" + "ab" * 32, "direction": "in", "features": ""}
LIMITS = {"blocks": 0.1, "heap": 8.0, "references": 0.1}
"""The growth by message from which on a row is not flat. What is lost each time is more."""


CACHES = {"blocks": 300, "heap": 65_536, "references": 300}
"""The growth of a quarter that says nothing, since caches fill: few messages decide nothing."""


@dataclass(frozen=True)
class Row:
    """What is sent to which form of the plugin."""

    form: str
    message: str
    outcome: str

    @property
    def name(self) -> str:
        return f"{self.message}, {self.outcome}, {self.form}"

    @property
    def is_request(self) -> bool:
        return self.message != "notification"

    def text(self) -> bytes:
        """One message."""
        method, params = self._content()
        if self.outcome == "not JSON":
            params = params.replace("@", "\t", 1)
        given = f'"id":"cln:{method}#1",' if self.is_request else ""
        return f'{{"jsonrpc":"2.0",{given}"method":"{method}","params":{params}}}\n\n'.encode()

    def _content(self) -> tuple[str, str]:
        word = f"@{self.outcome}@"
        if self.outcome == "unknown":
            return "nobody", "{}"
        if self.outcome == "malformed":
            contents: dict[str, tuple[str, Any]] = {
                "hook": ("peer_connected", {"peer": 5}),
                "db_write": ("db_write", {"data_version": "x", "writes": 5}),
                "method": ("run", {"nothing": 5}),
                "notification": ("connect", {"connect": 5}),
            }
        else:
            contents = {
                "hook": ("peer_connected", {"peer": {**PEER, "addr": word}}),
                "db_write": ("db_write", {"data_version": 7, "writes": [f"-- {word}", "x" * 300]}),
                "method": ("run", [word]),
                "notification": (
                    "connect",
                    {
                        "connect": {"id": PEER["id"], "direction": "in"}
                        | {"address": {"type": "ipv4", "address": word, "port": 9735}}
                    },
                ),
            }
        method, params = contents[self.message]
        return method, json.dumps(params, separators=(",", ":"))


def rows() -> Iterator[Row]:
    """All of them, the cheap ones first."""
    for form in FORMS:
        for message in ("db_write", "hook", "method", "notification"):
            # Of the notifications of a topic, one is handled at a time.
            more = ASYNC_OUTCOMES[message == "notification" :] if form == "async" else ()
            outcomes = [*OUTCOMES, *more, "malformed", "not JSON"]
            if message == "db_write":
                # What else the plugin would do then, the daemon waits for.
                outcomes = ["answer", "raise", "invalid", "malformed", "not JSON"]
            if message == "method":
                outcomes.append("progress")
            yield from (Row(form, message, outcome) for outcome in outcomes)
    for form in FORMS:
        for message in ("db_write", "hook", "notification"):
            yield from (Row(f"{form}-raw", message, outcome) for outcome in ("answer", "raise"))
    yield from (Row("plain", message, "unknown") for message in ("method", "notification"))


class Plugin(Peer):
    """The plugin that is measured."""

    def __init__(self, row: Row, folder: Path) -> None:
        os.environ["CLNWIRE_BENCH_FORM"] = row.form
        super().__init__("clnwire_memory.py", {"lightning-dir": str(folder)})
        os.set_blocking(self.input, False)
        self.row, self.sent, self._unread = row, 0, b""
        self._batch = row.text() * BATCH
        if row.outcome == "hold":
            self._batch += b'{"jsonrpc":"2.0","method":"release","params":{}}\n\n'

    def exchange(self) -> None:
        """Sends a batch and takes its replies."""
        self.sent += BATCH
        missing = BATCH if self.row.is_request else 0
        for data, is_sent in self._exchanged(self._batch):
            whole = self._unread + data
            missing -= whole.count(REPLY)
            # As much as may be the beginning of the next reply.
            self._unread = whole[1 - len(REPLY) :]
            if is_sent and missing <= 0:
                return

    def measured(self) -> dict[str, int]:
        """What there is once all messages have been handled."""
        while True:
            counts = self._counts()
            # Of those that no handler gets, nothing is left to wait for.
            if self.row.is_request or counts.pop("handled") in (0, self.sent):
                break
        statm = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        counts["resident"] = int(statm[1]) * os.sysconf("SC_PAGE_SIZE")
        counts["descriptors"] = len([*Path(f"/proc/{self.process.pid}/fd").iterdir()])
        counts["threads"] = len([*Path(f"/proc/{self.process.pid}/task").iterdir()])
        return counts

    def _counts(self) -> dict[str, int]:
        text = result = b""
        for data, _ in self._exchanged(MEASURE):
            text += data
            _, begun, result = text.partition(b'"id":"measure","result":')
            if begun and b"\n\n" in result:
                break
        self._unread = b""
        return dict(json.JSONDecoder().raw_decode(result.decode())[0])

    def _exchanged(self, unsent: bytes) -> Iterator[tuple[bytes, bool]]:
        """Sends, and yields what comes, and whether all is sent."""
        rest = memoryview(unsent)
        while True:
            ready = select.select([self.output], [self.input] if rest else [], [], 60)
            assert ready != ([], [], []), f"{self.row.name}: the plugin does not answer"
            if ready[1]:
                rest = rest[os.write(self.input, rest) :]
            if ready[0]:
                data = os.read(self.output, 1 << 20)
                assert data, f"{self.row.name}: the plugin has ended"
                yield data, not rest
            elif not rest:
                yield b"", True


@contextlib.contextmanager
def commands(folder: Path) -> Generator[None]:
    """A daemon's socket whose commands have an empty result."""

    def serve(connection: socket.socket) -> None:
        with connection:
            data = b""
            while more := connection.recv(65536):
                *calls, data = (data + more).split(b"\n\n")
                for call in calls:
                    reply = b'{"jsonrpc":"2.0","id":%b,"result":{}}\n\n'
                    token = json.dumps(json.loads(call)["id"]).encode()
                    connection.sendall(reply % token)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                one = listening.accept()[0]
                threading.Thread(target=serve, args=(one,), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "rpc"))
        listening.listen(1000)
        threading.Thread(target=accept, daemon=True).start()
        yield
        listening.shutdown(socket.SHUT_RDWR)


def measure(row: Row, count: int, seconds: float, samples: int = SAMPLES) -> dict[str, Any]:
    """Sends so many messages, or as many as fit, and returns the row of the results."""
    found: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name, commands(Path(name)):
        plugin = Plugin(row, Path(name))
        took = 0.0
        for number in range(1, samples + 1):
            part = number / samples
            while plugin.sent < count * part and took < seconds * part:
                begun = time.monotonic()
                plugin.exchange()
                took += time.monotonic() - begun
            found.append({"messages": plugin.sent, **plugin.measured()})
        plugin.close()
    later = found[samples // 2 :]
    result: dict[str, Any] = {
        "messages": plugin.sent,
        "us_by_message": round(took / plugin.sent * 1e6, 2),
        "resident_mb": [round(one["resident"] / 1e6, 2) for one in (found[0], later[0], later[-1])],
    }
    messages = [one["messages"] for one in later]
    for what in ("resident", "heap", "blocks", "references"):
        slope, error = line(messages, [one[what] for one in later])
        result[f"{what}_by_message"] = [float(f"{slope:.3g}"), float(f"{error:.2g}")]
    for what in ("descriptors", "threads"):
        result[what] = sorted({one[what] for one in later})
    # What grows for good does so in both quarters; a buffer that grows once is in one of them.
    quarters = later[: len(later) // 2 + 1], later[len(later) // 2 :]
    result["flat"] = all(
        any(is_flat(quarter, what, most) for quarter in quarters) for what, most in LIMITS.items()
    )
    return result


def is_flat(samples: list[dict[str, float]], what: str, most: float) -> bool:
    """Whether it grows by less than `most` a message, from the first to the last sample."""
    first, last = samples[0], samples[-1]
    grown = last[what] - first[what]
    return grown < max(CACHES[what], most * (last["messages"] - first["messages"]))


def line(xs: list[float], ys: list[float]) -> tuple[float, float]:
    """The slope of the straight line through the points, and its standard error."""
    mean_x, mean_y = statistics.fmean(xs), statistics.fmean(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    if not spread:
        return 0.0, 0.0
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in zip(xs, ys, strict=True))
    return slope, (rest / (len(xs) - 2) / spread) ** 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures whether memory grows with messages.")
    parser.add_argument("--quick", action="store_true", help="at most 100,000 messages a row")
    parser.add_argument("--count", type=int, default=10_000_000, help="messages a row, at most")
    parser.add_argument("--seconds", type=float, default=60.0, help="time for a row, at most")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument(
        "--save", type=Path, help="file for the results, as JSON; rows that it has are left out"
    )
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    if arguments.save and arguments.save.exists():
        results = json.loads(arguments.save.read_text())["rows"]
    for row in rows():
        if arguments.only not in row.name or row.name in results:
            continue
        if arguments.quick:
            seconds = 2.0 if row.outcome == "answer" else 0.15
            result = measure(row, 100_000, seconds, samples=10)
        else:
            result = measure(row, arguments.count, arguments.seconds)
        results[row.name] = result
        print(f"{row.name:36}", *(f"{key}={value}" for key, value in result.items()), flush=True)
        if arguments.save:
            report = {"machine": msgspec.to_builtins(machine()), "rows": results}
            arguments.save.write_text(json.dumps(report, indent=1) + "\n")
    sys.exit(not all(result["flat"] for result in results.values()))


if __name__ == "__main__":
    main()
