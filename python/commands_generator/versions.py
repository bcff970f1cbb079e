"""Since when something is there, and until when."""

from __future__ import annotations

from typing import Any, Final

OLDEST: Final = (24, 11)
"""Replies of daemons from this version on fit the Structs: what came later is optional."""


def came_later(schema: dict[str, Any]) -> bool:
    """Whether older daemons that are to be understood do not send it, or newer ones need not."""
    return "deprecated" in schema or _number(schema.get("added", "")) > OLDEST


def facts(schema: dict[str, Any]) -> list[str]:
    """Since when it is there and until when, as sentences."""
    sentences: list[str] = []
    added = str(schema.get("added", ""))
    if added.startswith("v"):
        sentences.append(f"Since {added}.")
    deprecated = schema.get("deprecated")
    if deprecated:
        since, gone = deprecated
        sentences.append(f"Deprecated since {since}, to go in {gone}.")
    return sentences


def _number(version: str) -> tuple[int, ...]:
    if not version.startswith("v"):
        return (0,)
    return tuple(int(part) for part in version[1:].split(".")[:2])
