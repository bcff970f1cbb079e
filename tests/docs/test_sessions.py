"""What pages show of a terminal is what one sees, typed in their order into an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from tests.cli.terminal import short_folder
from tests.docs.pages import PAGES, ROOT, blocks
from tests.docs.session import Session, typed

pytestmark = pytest.mark.process

FOLLOWED = [
    page
    for page in PAGES
    if any(not (block.not_run or block.run_by) for block in blocks(page, "console", "sh"))
]
folder = pytest.fixture(short_folder)


@pytest.fixture
def session(folder: Path) -> Iterator[Session]:
    (folder / "examples").symlink_to(ROOT / "examples")
    session = Session(folder)
    yield session
    session.close()


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.name)
def test_a_page_can_be_followed(session: Session, page: Path) -> None:
    for block in blocks(page):
        session.follow(block)
    session.end()


def test_the_reader_is_no_mock(session: Session) -> None:
    assert typed("$ a\n$ b\n1\n\n2\n") == [("a", ""), ("b", "1\n\n2\n")]
    with pytest.raises(AssertionError):
        session.run("false\ntrue\n")
    (page,) = [page for page in FOLLOWED if page.name == "getting-started.md"]
    (first,) = [block for block in blocks(page, "python") if block.file == "hello.py"]
    session.follow(first)
    assert (session.folder / "hello.py").read_text() == first.text
