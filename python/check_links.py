"""Checks that the web pages which the docs link to exist. `make docs` runs it.

A link is an error only if its server answers 404 or 410. Links whose server cannot be reached are
printed as not checked.
"""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 5
"""The time-out for a server. Links are checked in parallel, so an absent network costs about
this."""
GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}


def links(pages: list[Path]) -> dict[str, Path]:
    """The external links, each with a page that has it. `OWNER` stands for an address to come."""
    found = re.compile(r"\]\((https?://(?!github\.com/OWNER/)[^)\s]+)\)")
    return {link: page for page in pages for link in found.findall(page.read_text())}


def problem(link: str) -> str | None:
    """Why the link is wrong, or `None`. Raises `OSError` if its server cannot be reached."""
    try:
        with urlopen(Request(link, headers={"User-Agent": "clnwire-docs"}), timeout=SECONDS):
            return None
    except HTTPError as error:
        return f"{error.code} {error.reason}" if error.code in GONE else None


def check(link: str) -> tuple[bool, str]:
    """Whether the link may stay, and a line about it."""
    try:
        wrong = problem(link)
    except OSError as error:
        return True, f"not checked: {link}: {error}"
    return wrong is None, f"{wrong or 'there'}: {link}"


def main(pages: list[Path]) -> int:
    """Prints the links that are wrong or not checked. Returns 1 if a page is gone."""
    found = links(pages)
    with ThreadPoolExecutor() as pool:
        answers = dict(zip(found, pool.map(check, found), strict=True))
    for link, (good, text) in answers.items():
        if not good or text.startswith("not checked"):
            print(f"{found[link].name}: {text}", file=sys.stdout if good else sys.stderr)
    return 0 if all(good for good, _ in answers.values()) else 1


if __name__ == "__main__":
    named = [Path(name) for name in sys.argv[1:]]
    sys.exit(main(named or [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]))
