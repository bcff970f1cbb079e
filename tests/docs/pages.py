"""The pages a reader sees: those at the top and docs/, with their snippets, headings and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES = [*TOP, *sorted(DOCS.glob("*.md"))]

_NOTE = re.compile(r"<!-- (?P<what>not run:|run by) (?P<detail>.+) -->")
_FILE = re.compile(r"as `(\S+)`:$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    number: int
    language: str
    text: str
    file: str | None
    """The file that the text before it says to save it as."""
    not_run: str | None
    """Why it is neither run nor parsed, from a comment before it."""
    run_by: str | None
    """The test that runs it, from a comment before it."""

    def __str__(self) -> str:
        return f"{self.page.name}-{self.number}"


def blocks(page: Path, *languages: str) -> list[Block]:
    """A page's blocks in their order; of some languages, or all."""
    found: list[Block] = []
    lines = iter(page.read_text().splitlines())
    note, before = None, ""
    for line in lines:
        if line.startswith("```"):
            inside = list(iter(lines.__next__, "```"))
            found.append(_block(page, len(found) + 1, line[3:], inside, note, before))
            note, before = None, ""
        elif line:
            note = _NOTE.fullmatch(line)
            before = before if note else line
    return [block for block in found if not languages or block.language in languages]


def _block(
    page: Path,
    number: int,
    language: str,
    lines: list[str],
    note: re.Match[str] | None,
    before: str,
) -> Block:
    file = _FILE.search(before)
    detail = {} if note is None else {note["what"]: note["detail"]}
    return Block(
        page,
        number,
        language,
        "".join(f"{line}\n" for line in lines),
        file[1] if file else None,
        detail.get("not run:"),
        detail.get("run by"),
    )


def all_blocks(*languages: str) -> list[Block]:
    """The blocks of all pages; of some languages, or all."""
    return [block for page in PAGES for block in blocks(page, *languages)]


def anchors(page: Path) -> set[str]:
    """The names that code hosts and the site give to a page's headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    names: dict[str, int] = {}
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = names[name] = names.get(name, -1) + 1
        found.add(f"{name}-{count}" if count else name)
    return found
