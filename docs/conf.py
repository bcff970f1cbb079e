"""How Sphinx makes the site of these pages; `make docs` does it, and takes warnings for errors."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import clnwire
from clnwire import hooks, notifications, rpc, testing, types

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "clnwire"
author = "the authors of clnwire"
version = release = clnwire.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"clnwire {release}"
html_copy_source = False
pygments_style = "vs"  # most others show a console's output in pale grey
pygments_dark_style = "monokai"

# Anchors as code hosts make them, so that one link is right in both places.
myst_heading_anchors = 4

# In docstrings `this` is a name of Python's where there is one, and code otherwise.
default_role = "py:obj"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "imported-members": True, "undoc-members": True}

# A short name in a docstring may be a member of several classes; where none is meant, it is code.
suppress_warnings = ["ref.python"]

FOLDER = Path(__file__).parent


def navigation(folder: Path = FOLDER) -> dict[str, list[str]]:
    """The pages of each part, as the lists of index.md have them; what is in none is in "More"."""
    parts: dict[str, list[str]] = {}
    for part, text in re.findall(
        r"^## ([^\n]+)\n(.*?)(?=^## |\Z)",
        (folder / "index.md").read_text(),
        re.MULTILINE | re.DOTALL,
    ):
        pages = re.findall(r"^- \[[^]]+\]\(([^)#]+)\.(?:md|rst)\)", text, re.MULTILINE)
        if pages:
            parts[part] = pages
    listed = {"index", *(page for pages in parts.values() for page in pages)}
    more = sorted({page.stem for page in folder.glob("*.md")} - listed)
    return {**parts, "More": more} if more else parts


def add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:
    """Gives index.md the site's tree, which code hosts would show as raw text."""
    if docname == "index":
        for part, pages in navigation().items():
            lines = ["```{toctree}", f":caption: {part}", ":hidden:", "", *pages, "```"]
            source[0] += "\n" + "\n".join(lines) + "\n"


def add_commands(app: Sphinx, docname: str, source: list[str]) -> None:
    """Gives the page of the daemon's commands their typed methods, which only the stub has."""
    if docname != "reference/rpc":
        return
    stub = Path(clnwire.__file__).parent / "commands" / "_blocking.pyi"
    for node in ast.walk(ast.parse(stub.read_text())):
        if isinstance(node, ast.FunctionDef):
            node.args.args.pop(0)
            returned = ast.unparse(node.returns) if node.returns else "None"
            name = f"Rpc.{node.name}({ast.unparse(node.args)}) -> {returned}"
            text = as_rest(ast.get_docstring(node) or "")
            source[0] += f"\n.. py:method:: {name}\n\n{indent(text, '   ')}\n"


def translate(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Changes a docstring in place."""
    lines[:] = as_rest("\n".join(lines)).split("\n")


def as_rest(text: str) -> str:
    """A docstring's Markdown in the markup that Sphinx expects there.

    Lines that begin with a parameter in backticks and a colon become a list.
    """
    text = re.sub(
        r"^```python\n(.*?)\n```$",
        lambda code: f".. code-block:: python\n\n{indent(code[1], '   ')}\n",
        text,
        flags=re.MULTILINE | re.DOTALL,
    )
    return re.sub(
        r"^(`\w+`(?:, `\w+`)*: .*(?:\n(?!`\w+`(?:, `\w+`)*: ).+)*)",
        lambda item: "\n- " + item[1].replace("\n", "\n  "),
        text,
        flags=re.MULTILINE,
    )


def with_all_names(app: Sphinx) -> None:
    """Packages import most of their names when they are used, and do not list them before."""
    for package in (hooks, notifications, rpc, testing, types):
        for name in package.__all__:
            setattr(package, name, getattr(package, name))


def without_overloads(app: Sphinx) -> None:
    """One signature: the overloads, one for each type of value, are for type checkers."""
    from sphinx.pycode import ModuleAnalyzer

    analyzer = ModuleAnalyzer.for_module("clnwire._definition.registration.options")
    analyzer.analyze()
    analyzer.overloads.clear()


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", with_all_names)
    app.connect("builder-inited", without_overloads)
    app.connect("source-read", add_navigation)
    app.connect("source-read", add_commands)
    app.connect("autodoc-process-docstring", translate)
