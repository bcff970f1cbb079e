"""Imports go one way, also those for types only and those inside of functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "python" / "clnwire"

LAYERS = [
    {"_core", "errors", "error_codes", "program"},
    {"journal"},
    {"_wire"},
    {"types", "hooks", "notifications", "messages", "commands"},
    {"rpc", "_definition"},
    {"_runtime"},
    {"plugin", "__init__", "pyln"},
    {"captures", "host", "replica"},
    {"testing", "checking", "replay"},
    {"bench"},
    {"cli", "__main__", "_pyinstaller"},
]
"""What may be imported by all that stands below it. In one layer, packages do not form a circle."""

NARROW = {
    "captures": {"_core", "_wire", "errors", "hooks", "program"},
    "pyln": {"_core", "_wire"},
}
"""What may import less than its layer permits."""

PRIVATE = {"_definition": {"_runtime", "plugin"}, "_runtime": {"plugin"}}
"""Which parts may import a package with an underscore. Every part may import `_wire`."""


def modules() -> dict[str, Path]:
    """Dotted name below `clnwire` → file."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = path
    return found


MODULES = modules()


def imported(name: str) -> Iterator[str]:
    """The modules of the package that a module imports, wherever it does so."""
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            yield from (_below(alias.name) for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            for alias in node.names:
                inner = _below(f"{node.module}.{alias.name}")
                yield inner if inner in MODULES or inner == "_core" else _below(node.module or "")


def _is_ours(name: str) -> bool:
    return name == "clnwire" or name.startswith("clnwire.")


def _below(name: str) -> str:
    return name.removeprefix("clnwire").removeprefix(".") or "__init__"


def part(name: str) -> str:
    """The package or module right below `clnwire`."""
    return name.split(".")[0]


def layer(name: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if part(name) in parts)


@cache
def edges() -> dict[str, set[str]]:
    """Module → what it imports. Not at import: all of xdist's workers import."""
    return {name: {each for each in imported(name) if each != name} for name in MODULES}


def test_each_part_has_its_layer():
    assert {part(name) for name in MODULES} == set().union(*LAYERS) - {"_core"}


def test_no_import_goes_back():
    back = [
        f"{name} imports {other}"
        for name, others in edges().items()
        for other in others
        if part(other) != part(name) and layer(other) > layer(name)
    ]
    assert not back


def test_packages_form_no_circle():
    graph: dict[str, set[str]] = {}
    for name, others in edges().items():
        graph.setdefault(part(name), set()).update(part(other) for other in others)
    assert_no_circle({name: others - {name} for name, others in graph.items()})


def test_modules_form_no_circle():
    # A package's face names its modules, and the modules do not import it.
    assert_no_circle(edges())


def assert_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))


@pytest.mark.parametrize("name", NARROW)
def test_what_knows_little(name: str):
    others = {
        part(other) for each, found in edges().items() if part(each) == name for other in found
    }
    assert others - {name} <= NARROW[name]


@pytest.mark.parametrize("package", PRIVATE)
def test_underscored_packages_are_for_few(package: str):
    importers = {part(name) for name, others in edges().items() if package in map(part, others)}
    assert importers - {package} == PRIVATE[package]
