"""What a plugin is sent under the embedded host and not under lightningd, or the other way round,
and why. In what `scenario.py` plays there is nothing else."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

Streams = dict[str, list[str]]
"""The messages of each plugin and kind, in order."""


class Difference(NamedTuple):
    """Messages that only one of them sends."""

    stream: str
    """The plugin and the kind."""
    real: str
    """A pattern of those that lightningd sends."""
    embedded: str
    """A pattern of those that the host sends instead; empty if none."""
    why: str


DIFFERENCES: Final = (
    Difference(
        "main log",
        '"source":"plugin-main.py"',
        "",
        "A plugin does not get its own lines: one that logs what it gets would never stop.",
    ),
    Difference(
        "main warning",
        '"source":"plugin-main.py"',
        "",
        "The same, in the topic `warning`.",
    ),
    Difference(
        "main log",
        "Killing plugin: stopped by lightningd via RPC",
        "Killing plugin: exited with status 0",
        "The host waits for the process and says how it ended.",
    ),
)


def without(streams: Streams, *, are_real: bool) -> Streams:
    """The streams without the messages that differ; empty ones are left out."""
    left: Streams = {}
    for name, texts in streams.items():
        of_it = [each for each in DIFFERENCES if each.stream == name]
        patterns = [each.real if are_real else each.embedded for each in of_it]
        if kept := [text for text in texts if not any(p and re.search(p, text) for p in patterns)]:
            left[name] = kept
    return left


def outlived(real: Streams, embedded: Streams) -> list[Difference]:
    """The entries of the list that do not occur any more."""
    return [each for each in DIFFERENCES if not _occurs(each, real, embedded)]


def _occurs(difference: Difference, real: Streams, embedded: Streams) -> bool:
    theirs, ours = real.get(difference.stream, []), embedded.get(difference.stream, [])
    return (
        _is_in(difference.real, theirs)
        and not _is_in(difference.real, ours)
        and (not difference.embedded or _is_in(difference.embedded, ours))
    )


def _is_in(pattern: str, texts: list[str]) -> bool:
    return any(re.search(pattern, text) for text in texts)
