"""Reads from the schemas since which release something exists, and until which."""

from __future__ import annotations

from typing import Any, Final

OLDEST: Final = (24, 11)
"""Replies of daemons since this version fit the Structs: members added later are optional."""


def came_later(schema: dict[str, Any]) -> bool:
    """Whether supported daemons may leave it out: newer than `OLDEST`, or deprecated."""
    return "deprecated" in schema or _number(schema.get("added", "")) > OLDEST


def facts(schema: dict[str, Any]) -> list[str]:
    """Sentences about the release that added it and the releases that deprecate and remove it."""
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
