"""Compares two answers, member by member by value, or byte by byte."""

import re
from collections.abc import Collection, Iterator
from itertools import zip_longest
from typing import Final

from msgspec import UNSET, Struct, json

from clnwire._core import members
from clnwire._wire.foreign import shortened
from clnwire.host.rules.decoding import UndecodableError, as_array, as_object, decoded

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
    try:
        both = {name: _decoded(text) for name, text in before.items()}
        others = {name: _decoded(text) for name, text in after.items()}
        return list(_compare("", both, others, frozenset(ignored)))
    except RecursionError:
        # The JSON is nested too deeply for Python, so compare the text.
        return list(_compare("", _as_text(before), _as_text(after), frozenset(ignored)))


def compare_bytes(recorded: bytes, got: bytes, ignored: Collection[str] = ()) -> list[Change]:
    """As `compare_replies`; if the values are the same, also where the texts differ.

    Members named in `ignored` do not count directly in the result or error.
    """
    changes = compare_replies(recorded, got, ignored)
    one, other = _without(recorded, ignored), _without(got, ignored)
    if changes or one == other:
        return changes
    start = next(at for at in range(len(one) + 1) if one[at : at + 1] != other[at : at + 1])
    return [Change(f"byte {start}", *(_near(text, start) for text in (one, other)))]


def _without(reply: bytes, ignored: Collection[str]) -> bytes:
    """The reply; of its result or error, the members of these names have no value."""
    kept: list[bytes] = []
    end = 0
    for inner in _outcome(reply).values() if ignored else ():
        at, wanted = max(end, reply.find(inner)), set(ignored)
        for name, text in members(inner) if inner.startswith(b"{") else ():
            if name not in wanted:
                continue
            found = _member_at(reply, name, text, at)
            if found is None:
                wanted.discard(name)
            else:
                kept.append(reply[end:found])
                end = at = found + len(text)
    return b"".join((*kept, reply[end:]))


def _member_at(reply: bytes, name: str, text: bytes, start: int) -> int | None:
    """Where the text of a member's value is; `None` if the name is spelled with escapes."""
    named = re.compile(rb'"%s"\s*:\s*' % re.escape(name.encode("utf-8", "replace")))
    ends = (found.end() for found in named.finditer(reply, start))
    return next((end for end in ends if reply.startswith(text, end)), None)


def _near(text: bytes, at: int) -> str:
    return text[max(0, at - 20) : at + 40].decode("utf-8", "replace")


def _as_text(outcome: dict[str, bytes]) -> dict[str, str]:
    return {name: text.decode("utf-8", "replace") for name, text in outcome.items()}


def _outcome(reply: bytes) -> dict[str, bytes]:
    """The result or the error: neither the id nor the version."""
    found = dict(reversed(members(reply)))
    return {name: found[name] for name in ("result", "error") if name in found}


def _decoded(text: bytes) -> object:
    try:
        return decoded(text)
    except UndecodableError:
        return text.decode("utf-8", "replace")


def _compare(
    path: str, recorded: object, got: object, ignored: Collection[str]
) -> Iterator[Change]:
    one, other = as_object(recorded), as_object(got)
    items, others = as_array(recorded), as_array(got)
    if one is not None and other is not None:
        for name in dict.fromkeys([*one, *other]):
            if name not in ignored:
                sides = one.get(name, UNSET), other.get(name, UNSET)
                yield from _compare(_member(path, name), *sides, ignored)
    elif items is not None and others is not None:
        for number, sides in enumerate(zip_longest(items, others, fillvalue=UNSET)):
            yield from _compare(f"{path}[{number}]", *sides, ignored)
    elif not _is_same(recorded, got):
        yield Change(path, recorded, got)


def _is_same(one: object, other: object) -> bool:
    # In Python True == 1; in JSON true and 1 differ.
    return one is other or (isinstance(one, bool) == isinstance(other, bool) and one == other)


def _member(path: str, name: str) -> str:
    name = shortened(name)
    if name and _IDENTIFIER.issuperset(name):
        return f"{path}.{name}" if path else name
    return f"{path}[{json.encode(name).decode()}]"
