"""Figures as people read them."""


def number(value: float | None, unit: str = "") -> str:
    """Three significant digits with separated thousands; a dash for `None`."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}{unit}"
    return f"{value:.1f}{unit}" if value >= 10 else f"{value:.2f}{unit}"


def duration(microseconds: float) -> str:
    """A duration in the unit that fits: µs, ms from 10 ms on, or s."""
    if microseconds < 10_000:
        return number(microseconds, " µs")
    if microseconds < 10_000_000:
        return number(microseconds / 1000, " ms")
    return number(microseconds / 1_000_000, " s")


def memory(kilobytes: float) -> str:
    """A size in megabytes."""
    return number(kilobytes / 1000, " MB")
