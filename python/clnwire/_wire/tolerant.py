"""The second decoding, for JSON that msgspec does not take.

Anybody who may call the daemon can put such JSON into a message: half a surrogate pair, a number
beyond what a float holds, deep nesting. It is only tried where msgspec has failed.

- Half a surrogate pair is kept, as Python's own `json` does. Where Python cannot compare it with
  the name of a member, `U+FFFD` stands in its place, in the whole message.
- A number that is too large is `inf` or `-inf`.
- What nests deeper than `MAX_DEPTH` arrives as `msgspec.Raw`, its JSON text.
"""

from __future__ import annotations

import re
from typing import Any, Final, cast

import msgspec

MAX_DEPTH: Final = 100
"""Far below Python's limit of recursion, so that a handler can process the value."""

_STRING: Final = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_STRING_OR_BRACKET: Final = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_STRING_OR_MARK: Final = re.compile(_STRING + rb"|[\[\]{},:]", re.DOTALL)
_HALF: Final = re.compile("[\ud800-\udfff]")


def loads(text: bytes) -> Any:
    """The value of a JSON text that a framer has let through. Raises `ValueError` for no JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return _loads_tolerantly(text)


def _loads_tolerantly(text: bytes) -> Any:
    import json

    shallow, deep = _cut(text)
    # JSON has no NaN: each one stands for what was cut out, in the order of the text.
    cut_out = iter(deep)

    def constant(name: str) -> msgspec.Raw:
        for value in cut_out:
            return value
        raise ValueError(f"{name} is no JSON")

    # Not strict: control characters may stand in strings.
    return json.loads(shallow, strict=False, parse_int=_number, parse_constant=constant)


def doubled_name(text: bytes) -> str | None:
    """A name that stands twice in an object of the text, down to `MAX_DEPTH`."""
    import json

    doubled: list[str] = []

    def look(members: list[tuple[str, object]]) -> None:
        names = [name for name, _ in members]
        if len(set(names)) < len(names):
            doubled.append(next(name for name in names if names.count(name) > 1))

    json.loads(_cut(text)[0], parse_int=float, object_pairs_hook=look)
    return doubled[0] if doubled else None


def decode(text: bytes, kind: Any, *, strict: bool = True) -> Any:
    """As `msgspec.json.decode`. Raises `msgspec.ValidationError` for what is not of the type."""
    return convert(loads(text), kind, strict=strict)


def convert(value: Any, kind: Any, *, strict: bool = True) -> Any:
    """As `msgspec.convert`, which cannot compare half a surrogate pair with a member's name."""
    try:
        return msgspec.convert(value, kind, strict=strict, str_keys=True)
    except UnicodeEncodeError:
        return msgspec.convert(_without_halves(value), kind, strict=strict, str_keys=True)


def items(text: bytes) -> list[bytes]:
    """The texts of an array's items; of an object's, names and values in turn."""
    found: list[bytes] = []
    depth = start = 0
    for match in _STRING_OR_MARK.finditer(text):
        mark = match[0]
        if mark in (b"[", b"{"):
            depth += 1
            start = match.end() if depth == 1 else start
        elif mark in (b"]", b"}"):
            depth -= 1
        if depth == 0 or (depth == 1 and mark in (b",", b":")):
            found.append(text[start : match.start()].strip())
            start = match.end()
    return [] if found == [b""] else found


def members(text: bytes) -> list[tuple[bytes, bytes]]:
    """An object's names and values as they are spelled, quotes included."""
    parts = items(text)
    return list(zip(parts[::2], parts[1::2], strict=True))


def _number(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        # Python refuses integers of more than 4,300 digits, which take long to convert.
        return float(digits)


def _cut(text: bytes) -> tuple[bytes, list[msgspec.Raw]]:
    """The text with NaN for each value that is too deep, and those values."""
    deep: list[msgspec.Raw] = []
    kept: list[bytes] = []
    depth = start = end = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        bracket = match[0]
        if bracket in (b"[", b"{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                start = match.start()
        elif bracket in (b"]", b"}"):
            if depth == MAX_DEPTH + 1:
                kept += (text[end:start], b"NaN")
                end = match.end()
                deep.append(msgspec.Raw(text[start:end]))
            depth -= 1
    return b"".join((*kept, text[end:])), deep


def _without_halves(value: object) -> object:
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_halves(each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[object, object]", value).items()
        return {_without_halves(name): _without_halves(each) for name, each in members}
    return value
