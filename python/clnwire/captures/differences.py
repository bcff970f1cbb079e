"""Compares two answers member by member: not their text, but what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import UNSET, MsgspecError, Struct, json

from clnwire._core import members

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_Value: TypeAlias = Any
_IDENTIFIER: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Change(Struct, frozen=True):
    """A place where the answers differ; a side that has nothing there is `UNSET`."""

    path: str
    """Such as `result.writes[3]`."""
    recorded: object
    got: object


def compare_replies(recorded: bytes, got: bytes, ignored: Collection[str] = ()) -> list[Change]:
    """Where two replies differ in their result or error. Members named in `ignored` do not count.

    The order of members does not count, nor do white space, escapes, and how a number is written.
    """
    before, after = _outcome(recorded), _outcome(got)
    return list(_compare("", before, after, frozenset(ignored)))


def _outcome(reply: bytes) -> dict[str, _Value]:
    """The result or the error: neither the id nor the version."""
    found = dict(reversed(members(reply)))
    return {name: _decoded(found[name]) for name in ("result", "error") if name in found}


def _decoded(text: bytes) -> _Value:
    try:
        return json.decode(text)
    except (MsgspecError, RecursionError):
        # JSON that Python cannot hold is compared as text.
        return text.decode("utf-8", "replace")


def _compare(
    path: str, recorded: _Value, got: _Value, ignored: Collection[str]
) -> Iterator[Change]:
    if isinstance(recorded, dict) and isinstance(got, dict):
        names = [*recorded, *(name for name in got if name not in recorded)]
        for name in names:
            if name not in ignored:
                one, other = recorded.get(name, UNSET), got.get(name, UNSET)
                yield from _compare(_member(path, name), one, other, ignored)
    elif isinstance(recorded, list) and isinstance(got, list):
        for number in range(max(len(recorded), len(got))):
            one, other = (
                values[number] if number < len(values) else UNSET for values in (recorded, got)
            )
            yield from _compare(f"{path}[{number}]", one, other, ignored)
    elif not _is_same(recorded, got):
        yield Change(path, recorded, got)


def _is_same(one: _Value, other: _Value) -> bool:
    # For Python true is 1; for JSON it is not.
    return one is other or (isinstance(one, bool) == isinstance(other, bool) and one == other)


def _member(path: str, name: str) -> str:
    if name and _IDENTIFIER.issuperset(name):
        return f"{path}.{name}" if path else name
    return f"{path}[{json.encode(name).decode()}]"
