"""Suggests the name that a user may have meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], alike: float = 0.6) -> str | None:
    """The known name most like this one; `None` if none is. `alike` is from 0 to 1, equal."""
    size = len(name)
    # A much longer or shorter name cannot be alike, and difflib takes long for a long one.
    fitting = sorted(
        each for each in known if 2 * min(size, len(each)) >= alike * (size + len(each))
    )
    if not fitting:
        return None
    # Imported late: only mistakes need it.
    from difflib import get_close_matches

    found = get_close_matches(name, fitting, n=1, cutoff=alike)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` if a known name is similar, else an empty string."""
    near = nearest(name, known)
    return f"; did you mean '{near}'?" if near else ""
