"""Counts and latencies by hook, method and topic. Memory does not grow with the capture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from clnwire.captures.conversation import CapturedMessage, CapturedRequest

STEP: Final = 1.01
"""The ratio of two neighbouring buckets' limits. A latency counts as its bucket's upper limit."""
_LOG_STEP: Final = math.log(STEP)


class Latencies:
    """Durations in µs, counted in buckets whose limits are 1% apart."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self._least = self.most = 0

    def add(self, duration_us: int) -> None:
        """Counts a duration. A negative one (the clock was set back) counts as 0."""
        duration_us = max(0, duration_us)
        bucket = math.ceil(math.log(duration_us) / _LOG_STEP) if duration_us else -1
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self._least = duration_us if self.count == 0 else min(self._least, duration_us)
        self.most = max(self.most, duration_us)
        self.count += 1

    def percentile(self, percent: float) -> float:
        """The smallest duration that `percent` % of all do not exceed; at most 1% too long."""
        left = math.ceil(self.count * percent / 100)
        for bucket, count in sorted(self._counts.items()):
            left -= count
            if left <= 0:
                value = 0.0 if bucket < 0 else STEP**bucket
                return min(float(self.most), max(float(self._least), value))
        return 0.0


class Row:
    """The counts and latencies of one name in one direction."""

    def __init__(self, kind: str, name: str, direction: str) -> None:
        self.kind, self.name, self.direction = kind, name, direction
        self.count = self.errors = self.unanswered = 0
        self.latencies = Latencies()

    def as_json(self) -> dict[str, Any]:
        """As `--json` shows it; latencies in µs."""
        shown: dict[str, Any] = {
            "kind": self.kind,
            "name": self.name,
            "dir": self.direction,
            "count": self.count,
        }
        if self.kind in ("startup", "hook", "method"):
            shown |= {
                "answered": self.latencies.count,
                "errors": self.errors,
                "unanswered": self.unanswered,
            }
        if self.latencies.count:
            shown |= {
                "median_us": round(self.latencies.percentile(50), 1),
                "p99_us": round(self.latencies.percentile(99), 1),
                "max_us": self.latencies.most,
            }
        return shown


class Tally:
    """Counts messages as they come."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Row] = {}
        self.messages = 0
        self.first_us: int | None = None
        self.last_us = 0

    def take(self, message: CapturedMessage) -> None:
        """Counts one; a reply belongs to its request's row."""
        self.messages += 1
        self.last_us = message.record.t_us
        if self.first_us is None:
            self.first_us = message.record.t_us
        latency = message.latency_us
        if message.asked is None or latency is None:
            self._row(message.kind, message.name, message.record.dir).count += 1
            return
        row = self._row(message.asked.kind, message.asked.name, "in")
        row.latencies.add(latency)
        row.errors += message.kind == "error"

    def unanswered(self, asked: CapturedRequest) -> None:
        """Counts a request that got no answer."""
        self._row(asked.kind, asked.name, "in").unanswered += 1

    @property
    def rows(self) -> list[Row]:
        """All rows, the most frequent first."""
        return sorted(self._rows.values(), key=lambda row: (-row.count, row.kind, row.name))

    @property
    def seconds(self) -> float:
        """From the first to the last message."""
        return (self.last_us - (self.first_us or 0)) / 1e6

    def _row(self, kind: str, name: str, direction: str) -> Row:
        key = (kind, name, direction)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = Row(kind, name, direction)
        return row
