"""A slower decoder for valid JSON that msgspec refuses; it is used only after msgspec has failed.

Every caller of the daemon's RPC interface can put these into a message:

- A lone surrogate (`"\\ud800"`) is kept, as by Python's `json`. If msgspec then cannot compare
  it with the members' names, all lone surrogates in the message become `U+FFFD`.
- A number beyond the range of a float becomes `inf` or `-inf`.
- A value nested deeper than `MAX_DEPTH` becomes `msgspec.Raw`, its JSON text.
"""

import re
from typing import Any, Final, cast

import msgspec

MAX_DEPTH: Final = 100
"""Well below Python's recursion limit, so that a handler can process the value recursively."""

_decode: Final = msgspec.json.Decoder().decode
_STRING: Final = rb'"[^"\\]*(?:\\.[^"\\]*)*"?'
"""Without its end too: a search for the end is then not made again at each quote in it."""
_STRING_OR_BRACKET: Final = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_STRING_OR_MARK: Final = re.compile(_STRING + rb"|[\[\]{},:]", re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def loads(text: bytes) -> Any:
    """The value of a text that the framer has accepted. Raises `ValueError` if it is not JSON."""
    try:
        return _decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return _loads_tolerantly(text)


def _loads_tolerantly(text: bytes) -> Any:
    import json

    shallow, deep = _cut(text)
    # JSON has no NaN, so each NaN in `shallow` is the placeholder of the next value of `deep`.
    cut_out = iter(deep)

    def constant(name: str) -> msgspec.Raw:
        for value in cut_out:
            return value
        raise ValueError(f"{name} is not JSON")

    # `strict=False` accepts raw control characters in strings.
    return json.loads(shallow, strict=False, parse_int=_number, parse_constant=constant)


def doubled_name(text: bytes) -> str | None:
    """A member name that is twice in an object (down to `MAX_DEPTH`); `None` if none is."""
    import json

    doubled: list[str] = []

    def look(members: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for name, _ in members:
            if name in seen:
                doubled.append(name)
                return
            seen.add(name)

    json.loads(_cut(text)[0], parse_int=float, object_pairs_hook=look)
    return doubled[0] if doubled else None


def decode(text: bytes, kind: Any, *, strict: bool = True) -> Any:
    """Like `msgspec.json.decode`. Raises `msgspec.ValidationError` if the value does not fit."""
    return convert(loads(text), kind, strict=strict)


def convert(value: Any, kind: Any, *, strict: bool = True) -> Any:
    """Like `msgspec.convert`, which fails to compare a lone surrogate with a member's name."""
    try:
        return msgspec.convert(value, kind, strict=strict, str_keys=True)
    except UnicodeEncodeError:
        return msgspec.convert(_replace_surrogates(value), kind, strict=strict, str_keys=True)


def items(text: bytes, deepest: int | None = None) -> list[bytes]:
    """The texts of an array's items. For an object: its names and values alternately.

    Raises `RecursionError` for what is nested deeper than `deepest`.
    """
    found: list[bytes] = []
    depth = start = 0
    for match in _STRING_OR_MARK.finditer(text):
        mark = match[0]
        if mark in (b"[", b"{"):
            depth += 1
            if deepest is not None and depth > deepest:
                raise RecursionError
            start = match.end() if depth == 1 else start
        elif mark in (b"]", b"}"):
            depth -= 1
        if depth == 0 or (depth == 1 and mark in (b",", b":")):
            found.append(text[start : match.start()].strip())
            start = match.end()
    return [] if found == [b""] else found


def members(text: bytes, deepest: int | None = None) -> list[tuple[bytes, bytes]]:
    """The texts of an object's names and values, quotes included; `deepest` as for `items`."""
    parts = items(text, deepest)
    if len(parts) % 2 and not parts[-1]:
        # lightningd accepts a comma behind the last member.
        parts.pop()
    return list(zip(parts[::2], parts[1::2], strict=True))


def _number(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        # Python refuses integers of more than 4,300 digits, because converting them is slow.
        return float(digits)


def _cut(text: bytes) -> tuple[bytes, list[msgspec.Raw]]:
    """The text with NaN in place of each value deeper than `MAX_DEPTH`, and those values."""
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


def _replace_surrogates(value: object) -> object:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_replace_surrogates(each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[object, object]", value).items()
        return {_replace_surrogates(name): _replace_surrogates(each) for name, each in members}
    return value
