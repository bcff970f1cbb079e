"""The figures of a measurement."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from msgspec import Raw, Struct, structs


class Measured(Struct, frozen=True):
    """The figures for a run's messages. Percentiles are of round trips; without any they are 0."""

    p50_us: float
    p90_us: float
    p99_us: float
    p999_us: float
    messages_per_second: float
    megabytes_per_second: float
    processor_us: float
    """The plugin's processor time per message."""
    messages: float
    """The number of messages measured; each answer was checked."""


class Figures(Measured, frozen=True):
    """One run, or the median of several, figure by figure."""

    manifest_ms: float
    """From exec to the manifest."""
    idle_memory_kb: float
    """The peak, before the first message."""
    peak_memory_kb: float


class Report(Struct, frozen=True):
    """The load generator's report on one run of a plugin."""

    manifest_ms: float
    """From exec to the manifest."""
    manifest: Raw
    """As the plugin has written it."""
    idle_memory_kb: int
    peak_memory_kb: int
    exit: str
    """How it ended."""
    figures: Measured | None = None
    """`None` in the modes `manifest` and `start`."""

    def all_figures(self) -> Figures:
        """The run's figures, including those of its start."""
        assert self.figures is not None
        return Figures(
            manifest_ms=self.manifest_ms,
            idle_memory_kb=self.idle_memory_kb,
            peak_memory_kb=self.peak_memory_kb,
            **structs.asdict(self.figures),
        )


def medians(rows: Sequence[Figures]) -> Figures:
    """Figure by figure the median of the rounds."""
    names = Figures.__struct_fields__
    return Figures(
        **{name: round(statistics.median(getattr(row, name) for row in rows), 3) for name in names}
    )
