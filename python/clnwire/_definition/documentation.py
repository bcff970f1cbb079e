"""What an author says about a method's parameters.

In the annotation, or in the docstring's section in the style of Google, numpy or reST.
"""

from __future__ import annotations

import re
import typing
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clnwire._definition.functions import Parameter

_GOOGLE: Final = re.compile(r"(?:Args|Arguments|Parameters):")
_NUMPY: Final = re.compile(r"(?:Parameters|Arguments)\n-{3,}(?:\n|\Z)")
_REST: Final = re.compile(r":param(?:eter)? (?:[^:\n]+ )?\*{0,2}(\w+): *(.*(?:\n[ \t]+.*)*)")
_ENTRY: Final = re.compile(r"\*{0,2}(\w+)(?: *\([^)]*\))? *: *(.*)")


def in_annotations(parameters: Iterable[Parameter]) -> dict[str, str]:
    """Name of a parameter → the text of `Annotated[…, Doc("…")]`, or of a `msgspec.Meta` with a
    description."""
    texts = {each.name: _documented(each.annotation) for each in parameters}
    return {name: text for name, text in texts.items() if text}


def in_docstring(text: str) -> dict[str, str]:
    """Name of a parameter → its text in the docstring (without its indentation)."""
    found = {name: _joined(lines) for name, lines in _REST.findall(text)}
    for section in _sections(text):
        found.update(section)
    return found


def _documented(annotation: Any) -> str:
    # A `Doc` of any library is recognised by its attribute, so none needs to be imported.
    for each in getattr(annotation, "__metadata__", ()):
        text = getattr(each, "documentation", None) or getattr(each, "description", None)
        if isinstance(text, str):
            return _joined(text)
    inner = (_documented(each) for each in typing.get_args(annotation))
    return next(filter(None, inner), "")


def _sections(text: str) -> Iterable[dict[str, str]]:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        following = lines[number + 1 :]
        if _GOOGLE.fullmatch(line.strip()):
            yield _google(_block(following))
        elif _NUMPY.match("\n".join(lines[number : number + 2])):
            yield _numpy(following[1:])


def _block(lines: list[str]) -> list[str]:
    """The indented lines at the start, without their common indentation."""
    from textwrap import dedent

    end = next((n for n, line in enumerate(lines) if line[:1].strip()), len(lines))
    return dedent("\n".join(lines[:end])).split("\n")


def _google(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        entry = _ENTRY.match(line)
        if entry is not None:
            name, found[entry[1]] = entry[1], entry[2]
        elif name:
            found[name] += f"\n{line}"
    return {name: _joined(text) for name, text in found.items()}


def _numpy(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        if "".join(lines[number + 1 : number + 2]).startswith("---"):
            break
        if line[:1].strip():
            text = _joined("\n".join(_block(lines[number + 1 :])))
            for name in line.partition(":")[0].split(","):
                found[name.strip().lstrip("*")] = text
    return found


def _joined(text: str) -> str:
    return " ".join(text.split())
