"""The results of a check, and the Python tracebacks in what a plugin logged or wrote to stderr."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from clnwire._wire.foreign import in_one_line
from clnwire.checking.catalogue import Rule

SHOWN: Final = 160
"""The most characters of a message that an excerpt shows."""
TRACEBACK: Final = "Traceback (most recent call last):"
"""The first line of a traceback; it counts as a failure at any log level."""
_ONE: Final = rf"{re.escape(TRACEBACK)}\n(?:[ \t].*\n)+\S.*"
"""The frames are indented; the exception is not."""
_SYNTAX: Final = r'^  File ".*", line \d+\n(?:[ \t].*\n){1,4}(?:Syntax|Indentation|Tab)Error: .*'
"""Python reports a file that it cannot compile without the first line."""
_GROUP: Final = rf"  \+ Exception Group {re.escape(TRACEBACK)}(?:\n[ \t].*)+"
_CHAIN: Final = re.compile(
    rf"{_ONE}(?:\n+(?:During handling of|The above exception) .*\n+{_ONE})*|{_SYNTAX}|{_GROUP}"
    rf"|(?P<cut>{re.escape(TRACEBACK)}(?:\n[ \t].*)*)",
    re.MULTILINE,
)
"""`cut` is one without its exception. As a match it is gone through once, however many of its
lines look like the beginning of another."""


class Finding(Struct, frozen=True):
    """A violation of a rule."""

    rule: Rule
    dialects: tuple[str, ...]
    """The dialects in which it was found."""
    where: str
    """The part of the plugin at fault, such as `hook peer_connected`."""
    message: str
    """What is wrong, in one line."""
    excerpt: str = ""
    """The beginning of the faulty message, if there is one."""
    traceback: str = ""
    """The plugin's Python traceback, if there is one."""


class Report(Struct):
    """The results of a check."""

    found: dict[tuple[str, str], Finding] = field(default_factory=dict[tuple[str, str], Finding])
    """The rule's code and `where` → the finding."""
    notes: list[str] = field(default_factory=list[str])
    """What was not checked, and why."""
    dialects: list[str] = field(default_factory=list[str])
    """The dialects in which the plugin was checked."""
    other_daemon: dict[str, str] = field(default_factory=dict[str, str])
    """Each further dialect in which the plugin does not start → the reason."""
    starts: int = 0
    """How many times the plugin was started."""
    messages: int = 0
    """How many messages were sent to it."""
    answers: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    """Request → the first reply to it. `DIR` stands for the directory of the start."""

    @property
    def findings(self) -> list[Finding]:
        """All, in the order in which they were first added."""
        return [*self.found.values()]

    def add(self, finding: Finding) -> None:
        """Adds a finding, or its dialect to the same finding of another dialect."""
        old = self.found.setdefault((finding.rule.code, finding.where), finding)
        dialects = tuple(dict.fromkeys((*old.dialects, *finding.dialects)))
        self.found[finding.rule.code, finding.where] = replace(old, dialects=dialects)

    def note(self, text: str) -> None:
        """Adds a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def chosen(self, wanted: Iterable[Rule]) -> list[Finding]:
        """The findings of these rules, in the order of their codes."""
        codes = {rule.code for rule in wanted}
        found = [finding for finding in self.findings if finding.rule.code in codes]
        return sorted(found, key=lambda finding: (finding.rule.code, finding.where))


class Found:
    """Adds findings of one dialect to a report."""

    def __init__(self, report: Report, dialect: str) -> None:
        self.report, self.dialect = report, dialect

    def add(self, rule: Rule, where: str, message: str, excerpt: bytes | str = "") -> None:
        """Adds a finding. The message may contain a traceback, which is shown separately."""
        text = excerpt.decode("utf-8", "replace") if isinstance(excerpt, bytes) else excerpt
        traceback = last_traceback(message)
        line = one_line(summary(message) if traceback else message)
        text = shortened(one_line(text))
        self.report.add(Finding(rule, (self.dialect,), where, line, text, traceback))

    def note(self, text: str) -> None:
        """Adds a note: something was not checked."""
        self.report.note(f"{self.dialect}: {one_line(text)}")


def one_line(text: str) -> str:
    """The text in one line, without characters that control a terminal."""
    return in_one_line(" ".join(text.split()))


def shortened(text: str) -> str:
    """The text, cut to the length of an excerpt."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def last_traceback(text: str) -> str:
    """The last traceback, with the exceptions that led to it; empty if there is none."""
    found = [match[0] for match in _CHAIN.finditer(text) if match["cut"] is None]
    return found[-1] if found else ""


def summary(text: str) -> str:
    """The first line, and the exception of the traceback that begins there or follows."""
    first = text.strip().partition("\n")[0]
    raised = last_traceback(text).rpartition("\n")[2]
    # The first line may quote the exception without its type.
    said = raised.partition(": ")[2] or raised.rstrip(":")
    # All lines of an exception group are indented.
    if not said or said in first or said.startswith(" "):
        return first
    return raised if TRACEBACK in first else f"{first}: {raised}"
