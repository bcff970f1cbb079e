"""The differences between the answers of a replay and the recorded ones."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET, json
from rich.console import Console

from clnwire._wire.counting import counted
from clnwire._wire.foreign import shortened
from clnwire.replay.capture import Step
from clnwire.replay.differences import Change, compare_bytes, compare_replies

MOST_KEPT: Final = 1_000
"""Answers whose differences are kept; the others are only counted."""
MOST_SHOWN: Final = 50
MOST_CHANGES: Final = 20
"""Differences of one answer that are shown."""
LONGEST: Final = 200
"""Characters of a value."""


class Comparison:
    """Compares answers with the recorded ones, in any order."""

    def __init__(self, ignored: Sequence[str], *, to_the_byte: bool = False) -> None:
        self._ignored = ignored
        self._compare = compare_bytes if to_the_byte else compare_replies
        self._different: list[tuple[Step, list[Change]]] = []
        self._counts: Counter[str] = Counter()
        self._compared = self._unknown = 0

    def take(self, step: Step, reply: bytes) -> None:
        """Compares an answer with the recorded one."""
        if step.reply is None:
            self._unknown += 1
            return
        self._compared += 1
        changes = self._compare(step.reply, reply, self._ignored)
        if changes:
            self._counts[step.method] += 1
            if len(self._different) < MOST_KEPT:
                self._different.append((step, changes))

    @property
    def is_same(self) -> bool:
        """Whether no answer differs."""
        return not self._counts

    def as_json(self) -> dict[str, Any]:
        """The part of the JSON report, in the order of the capture."""
        return {
            "compared": self._compared,
            "without_recorded_answer": self._unknown,
            "different": self._counts.total(),
            "differences": [
                # A side without a value has no member.
                {"line": step.line, "method": step.method, "changes": changes}
                for step, changes in self._ordered()
            ],
        }

    def show(self, console: Console, unasked: int) -> None:
        """Prints the differences and a summary; `unasked` messages were not compared."""
        for step, changes in self._ordered()[:MOST_SHOWN]:
            _show(console, step, changes)
        hidden = self._counts.total() - MOST_SHOWN
        if hidden > 0:
            _print(console, f"and {hidden:,} more; --json has them")
        others = [f"{counted(unasked, 'notification')} of the plugin"] if unasked else []
        if self._unknown:
            others.append(f"{counted(self._unknown, 'answer')} that the capture does not have")
        rest = f"; not compared: {', '.join(others)}" if others else ""
        if self.is_same:
            same = f"no difference in {counted(self._compared, 'answer')}"
            _print(console, f"{same}{rest}", "green")
            return
        counts = ", ".join(
            f"{shortened(name)} {count:,}" for name, count in self._counts.most_common(MOST_SHOWN)
        )
        total = f"{self._counts.total():,} of {counted(self._compared, 'answer')}"
        _print(console, f"different: {total} ({counts}){rest}", "red")

    def _ordered(self) -> list[tuple[Step, list[Change]]]:
        return sorted(self._different, key=lambda found: found[0].line)


def _show(console: Console, step: Step, changes: list[Change]) -> None:
    token = shortened((step.token or b"").decode("utf-8", "replace"))
    _print(console, f"line {step.line}: {shortened(step.method)} {token}", "bold")
    for change in changes[:MOST_CHANGES]:
        for sign, value, colour in (("-", change.recorded, "red"), ("+", change.got, "green")):
            if value is not UNSET:
                text = shortened(json.encode(value).decode(), LONGEST)
                _print(console, f"  {sign} {shortened(change.path, LONGEST)}: {text}", colour)
    if len(changes) > MOST_CHANGES:
        _print(console, f"  and {counted(len(changes) - MOST_CHANGES, 'more place')}")


def _print(console: Console, text: str, style: str | None = None) -> None:
    # The text is from a plugin, so it must not be read as markup.
    console.print(text, style=style, markup=False, soft_wrap=True)
