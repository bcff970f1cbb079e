"""The docs show a kept result, and nothing else between the marks."""

from __future__ import annotations

import pytest
from benches.suite import pages
from benches.suite.cases import ROOT
from benches.suite.results import load

PAGE = f"before\n{pages.BEGIN.format('old.json')}\n\nold\n\n{pages.END}\nbehind\n"


def test_what_stands_between_the_marks_is_replaced():
    page = pages.replaced(PAGE, "new.json", r"new \1")
    assert page.splitlines()[0] == "before"
    assert page.splitlines()[-1] == "behind"
    assert "old" not in page
    assert r"new \1" in page
    assert pages.source(page) == "new.json"
    assert pages.replaced(page, "old.json", "old") == PAGE


@pytest.mark.parametrize(("page", "count"), [("no marks", 0), (PAGE + PAGE, 2)])
def test_a_page_without_marks_is_not_written(page, count):
    with pytest.raises(ValueError, match=f"has {count} sections"):
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
