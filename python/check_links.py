"""Asks whether the web pages that the docs link to are there; `make docs` does so.

Only a page that its own server calls gone is an error. Without a network nothing is checked, and
that is said.
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
"""That a server may take; a network that drops everything costs no more than this."""
GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}


def links(pages: list[Path]) -> dict[str, Path]:
    """The links to other places, each with a page that has it."""
    found = re.compile(r"\]\((https?://[^)\s]+)\)")
    return {link: page for page in pages for link in found.findall(page.read_text())}


def problem(link: str) -> str | None:
    """Why a link is wrong, if its server says so. Raises `OSError` if nobody can be asked."""
    try:
        with urlopen(Request(link, headers={"User-Agent": "clnwire-docs"}), timeout=SECONDS):
            return None
    except HTTPError as error:
        return f"{error.code} {error.reason}" if error.code in GONE else None


def check(link: str) -> tuple[bool, str]:
    """Whether a link may stay, and what is to be said of it."""
    try:
        wrong = problem(link)
    except OSError as error:
        return True, f"not checked: {link}: {error}"
    return wrong is None, f"{wrong or 'there'}: {link}"


def main(pages: list[Path]) -> int:
    """Prints what is wrong or not known. Gives 1 if a page is gone."""
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
