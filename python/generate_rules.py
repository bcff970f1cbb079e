"""Writes the section "Rules" of `docs/check.md` from the catalogue of `clnwire check`.

    python python/generate_rules.py [--check]

A tool for developers of clnwire, not part of the package. With `--check` it writes nothing and
exits with 1 if the page is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clnwire.checking.catalogue import GROUPS, RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[1] / "docs" / "check.md"
HEADING = "## Rules\n"


def main() -> int:
    """Returns the exit status."""
    old = PAGE.read_text()
    new = old.partition(HEADING)[0] + HEADING + "".join(f"{line}\n" for line in generate())
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(new)
    elif old != new:
        sys.stderr.write(f"{PAGE} is out of date: run python python/generate_rules.py\n")
        return 1
    return 0


def generate() -> Iterator[str]:
    """A table for each group."""
    for digit, title in GROUPS.items():
        yield from ("", f"### {title}", "", "| rule | what breaks it | why | fix |")
        yield "|---|---|---|---|"
        for rule in RULES:
            if rule.code[2] == digit:
                head = f"**{rule.code}** `{rule.name}` ({rule.severity})"
                yield f"| {' | '.join((head, rule.summary, rule.reason, rule.fix))} |"


if __name__ == "__main__":
    sys.exit(main())
