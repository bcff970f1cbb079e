"""What a check has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from clnwire._wire.foreign import in_one_line
from clnwire.checking.catalogue import Rule
from clnwire.checking.traceback import last_traceback, summary

if TYPE_CHECKING:
    from collections.abc import Iterable


SHOWN: Final = 160
"""Characters of a message that an excerpt shows."""


class Finding(Struct, frozen=True):
    """A rule that the plugin breaks, and where."""

    rule: Rule
    dialects: tuple[str, ...]
    """The dialects in which it was found."""
    where: str
    """The part of the plugin at fault, such as `hook peer_connected`."""
    message: str
    """What is wrong, in one line."""
    excerpt: str = ""
    """The beginning of the message that shows the mistake, if there is one."""
    traceback: str = ""
    """The Python traceback that belongs to it, if there is one."""


class Report(Struct):
    """The results of a check."""

    findings: list[Finding] = field(default_factory=list[Finding])
    notes: list[str] = field(default_factory=list[str])
    """What was not checked, and why."""
    dialects: list[str] = field(default_factory=list[str])
    """The dialects in which the plugin was checked."""
    other_daemon: dict[str, str] = field(default_factory=dict[str, str])
    """The other dialects asked for → why the plugin does not start in them."""
    starts: int = 0
    """How often it was started."""
    messages: int = 0
    """How many messages it was sent."""
    answers: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    """Request → the first reply to it. The directory of a start is written `DIR`."""

    def add(self, finding: Finding) -> None:
        """Adds a finding. If another dialect has the same one, adds the dialect to that one."""
        for index, old in enumerate(self.findings):
            if (old.rule, old.where) == (finding.rule, finding.where):
                dialects = tuple(dict.fromkeys((*old.dialects, *finding.dialects)))
                self.findings[index] = replace(old, dialects=dialects)
                return
        self.findings.append(finding)

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
    """Takes the findings of one dialect."""

    def __init__(self, report: Report, dialect: str) -> None:
        self.report, self.dialect = report, dialect

    def add(self, rule: Rule, where: str, message: str, excerpt: bytes | str = "") -> None:
        """Adds a finding: the plugin breaks the rule. A traceback may be part of the message."""
        text = excerpt.decode("utf-8", "replace") if isinstance(excerpt, bytes) else excerpt
        traceback = last_traceback(message)
        line = one_line(summary(message) if traceback else message)
        text = shortened(one_line(text))
        self.report.add(Finding(rule, (self.dialect,), where, line, text, traceback))

    def note(self, text: str) -> None:
        """Adds a note: something was not checked."""
        self.report.note(f"{self.dialect}: {one_line(text)}")


def one_line(text: str) -> str:
    """The text without line breaks and without characters that move a terminal's cursor."""
    return in_one_line(" ".join(text.split()))


def shortened(text: str) -> str:
    """The text, cut to the length of an excerpt."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
