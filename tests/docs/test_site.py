"""The site's own parts: its tree of pages, docstrings in its markup, links to other places."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

import check_links
from tests.docs.pages import DOCS

PAGE = """# A title

## First part

- [One](one.md): the first
- [Other](reference/index.rst)

Text with a [link](elsewhere.md).

## No pages

None.
"""


@pytest.fixture(scope="module")
def conf() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conf", DOCS / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lists_of_the_first_page_are_the_navigation(conf: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(PAGE)
    (tmp_path / "one.md").touch()
    assert conf.navigation(tmp_path) == {"First part": ["one", "reference/index"]}
    (tmp_path / "new.md").touch()
    assert conf.navigation(tmp_path)["More"] == ["new"]


def test_every_page_is_in_the_navigation(conf: ModuleType) -> None:
    named = [page for pages in conf.navigation().values() for page in pages]
    assert len(named) == len(set(named))
    assert {page.stem for page in DOCS.glob("*.md")} <= {*named, "index"}


def test_the_reference_names_what_exists() -> None:
    for page in (DOCS / "reference").glob("*.rst"):
        for name in re.findall(r"^\.\. auto\w+:: (\S+)$", page.read_text(), re.MULTILINE):
            assert pkgutil.resolve_name(name) is not None


def test_docstrings_become_lists_and_code(conf: ModuleType) -> None:
    text = "Does it.\n`a`: one\nline more\n`b`, `c`: two\n\n```python\nx = 1\n```\nThen `a` again."
    assert conf.as_rest(text) == (
        "Does it.\n\n- `a`: one\n  line more\n\n- `b`, `c`: two\n\n"
        ".. code-block:: python\n\n   x = 1\n\nThen `a` again."
    )


class Web(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:4]))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "gone"), [(200, False), (404, True), (410, True), (403, False), (500, False)]
)
def test_only_a_page_that_is_gone_is_an_error(
    web: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], status: int, gone: bool
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"[here]({web}/{status}) and [there](page.md)")
    assert check_links.main([page]) == int(gone)
    assert capfd.readouterr().err.startswith(f"page.md: {status} ") is gone


def test_without_a_network_it_is_said_and_no_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    # A port at which nobody listens.
    page.write_text("[nobody](http://127.0.0.1:9/)")
    assert check_links.main([page]) == 0
    assert "page.md: not checked: http://127.0.0.1:9/: " in capfd.readouterr().out
