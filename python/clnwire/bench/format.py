"""Figures as people read them."""

from __future__ import annotations


def number(value: float | None, unit: str = "") -> str:
    """Three digits that count, and thousands apart; a dash if there is none."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}{unit}"
    return f"{value:.1f}{unit}" if value >= 10 else f"{value:.2f}{unit}"


def duration(microseconds: float) -> str:
    """In microseconds, milliseconds from 10 of those on, or seconds."""
    if microseconds < 10_000:
        return number(microseconds, " µs")
    if microseconds < 10_000_000:
        return number(microseconds / 1000, " ms")
    return number(microseconds / 1_000_000, " s")


def memory(kilobytes: float) -> str:
    """In megabytes."""
    return number(kilobytes / 1000, " MB")
