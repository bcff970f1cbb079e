"""Suggests the name that a user may have meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], alike: float = 0.6) -> str | None:
    """The known name most like this one; `None` if none is. `alike` is from 0 to 1, equal."""
    # Imported late: only mistakes need it.
    from difflib import get_close_matches

    found = get_close_matches(name, sorted(known), n=1, cutoff=alike)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` if a known name is similar, else an empty string."""
    near = nearest(name, known)
    return f"; did you mean '{near}'?" if near else ""
