"""What a check has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from clnwire._wire.foreign import in_one_line
from clnwire.checking.catalogue import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable


SHOWN: Final = 160
"""Characters of a message that an excerpt shows."""


class Finding(Struct, frozen=True):
    """A rule that the plugin breaks, and where."""

    rule: Rule
    dialects: tuple[str, ...]
    """Those in which it was seen."""
    where: str
    """What it is about, such as `hook peer_connected`."""
    message: str
    """What is wrong, in one line."""
    excerpt: str = ""
    """The beginning of the message on the wire that shows it, if there is one."""


class Report(Struct):
    """All that a check has found out."""

    findings: list[Finding] = field(default_factory=list[Finding])
    notes: list[str] = field(default_factory=list[str])
    """What was not checked, and why."""
    dialects: list[str] = field(default_factory=list[str])
    """Those in which the plugin was checked."""
    starts: int = 0
    """How often it was started."""
    messages: int = 0
    """How many messages it was sent."""

    def add(self, finding: Finding) -> None:
        """Adds a finding; one that is there already in another dialect is the same one."""
        for index, old in enumerate(self.findings):
            if (old.rule, old.where) == (finding.rule, finding.where):
                dialects = tuple(dict.fromkeys((*old.dialects, *finding.dialects)))
                self.findings[index] = Finding(
                    old.rule, dialects, old.where, old.message, old.excerpt
                )
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
        """The plugin breaks a rule."""
        text = excerpt.decode("utf-8", "replace") if isinstance(excerpt, bytes) else excerpt
        self.report.add(
            Finding(rule, (self.dialect,), where, one_line(message), shortened(one_line(text)))
        )

    def note(self, text: str) -> None:
        """Something was not checked."""
        self.report.note(f"{self.dialect}: {one_line(text)}")


def one_line(text: str) -> str:
    """Without line breaks, and without what would move the cursor of who reads it."""
    return in_one_line(" ".join(text.split()))


def shortened(text: str) -> str:
    """Not longer than an excerpt may be."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
