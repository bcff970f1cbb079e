"""The docs show a kept result, and nothing else between the marks."""

from __future__ import annotations

import pytest
from benches.suite import pages
from benches.suite.cases import ROOT
from benches.suite.results import FormatError, load

PAGE = f"before\n{pages.BEGIN.format('old.json')}\n\nold\n\n{pages.END}\nbehind\n"


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_what_stands_between_the_marks_is_replaced(page):
    page.write_text(pages.replaced(page, "new.json", r"new \1"))
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "behind")
    assert "old" not in page.read_text()
    assert r"new \1" in lines
    assert pages.source(page.read_text()) == "new.json"
    assert pages.replaced(page, "old.json", "old") == PAGE


@pytest.mark.parametrize(("text", "count"), [("no marks", 0), (PAGE + PAGE, 2)])
def test_a_page_without_marks_is_not_written(page, text, count):
    page.write_text(text)
    with pytest.raises(FormatError, match=rf"page\.md: it needs one .* but has {count}$"):
        pages.replaced(page, "new.json", "new")


@pytest.mark.parametrize("page", [pages.BENCHMARKS, pages.README], ids=lambda page: page.name)
def test_the_page_is_what_its_results_say(page):
    text = page.read_text()
    results = load(ROOT / "benches" / "results" / pages.source(text))
    shown = pages.teaser(results)
    if page == pages.BENCHMARKS:
        shown = pages.section(results, pages.source(text))
    assert shown in text, "run `python -m benches.suite render` with the results that it names"


def test_both_pages_show_the_same_results():
    names = {pages.source(page.read_text()) for page in (pages.BENCHMARKS, pages.README)}
    assert len(names) == 1
