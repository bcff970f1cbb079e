"""The decoder of `db_write`: the same event as msgspec's, whatever the form of the params."""

from __future__ import annotations

import json
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clnwire._core import WritesDecoder
from clnwire.hooks import DbWrite

reference = msgspec.json.Decoder(DbWrite).decode


class Otherwise:
    """Counts what did not have the usual form."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, params: bytes) -> DbWrite:
        self.calls += 1
        return reference(params)


def decoded(params: bytes) -> tuple[DbWrite, bool]:
    """The event, and whether it was made without msgspec."""
    otherwise = Otherwise()
    return WritesDecoder(DbWrite, otherwise)(params), otherwise.calls == 0


def compact(version: int, writes: list[str], *, ascii_only: bool) -> bytes:
    event = {"data_version": version, "writes": writes}
    return json.dumps(event, separators=(",", ":"), ensure_ascii=ascii_only).encode()


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=6),
    st.booleans(),
)
def test_any_set_of_writes(version, writes, ascii_only):
    params = compact(version, writes, ascii_only=ascii_only)
    event, quick = decoded(params)
    assert event == reference(params) == DbWrite(writes, version)
    assert quick == (params.isascii() and b"\\" not in params)


USUAL = [
    b'{"data_version":0,"writes":[]}',
    b'{"data_version":4294967295,"writes":[""]}',
    b'{"data_version":7,"writes":["a","","b"]}',
    b'{"data_version":7,"writes":["\x7f"]}',
    b'{"data_version":7,"writes":["' + b"x" * 100_000 + b'"]}',
]
UNUSUAL = [
    b'{"data_version": 7,"writes":["a"]}',
    b'{"data_version":7,"writes":["a", "b"]}',
    b'{"data_version":7,"writes":[ ]}',
    b'{"data_version":7,"writes":["a\\"b","c\\\\"]}',
    b'{"data_version":7,"writes":["\\ud83e\\udd80"]}',
    '{"data_version":7,"writes":["ü","\U0001f980"]}'.encode(),
    b'{"data_version":7,"writes":["a"],"more":1}',
    b'{"data_version":7,"writes":["a"]} ',
    b'{"writes":["a"],"data_version":7}',
    b'{"writes":["a"]}',
    b'{"data_version":null,"writes":["a"]}',
    b'{"data_version":4294967296,"writes":["a"]}',
]
WRONG = [
    b'{"data_version":7}',
    b'{"data_version":7,"writes":[1]}',
    b'{"data_version":7,"writes":["a",null]}',
    b'{"data_version":7,"writes":{}}',
    b'{"data_version":"7","writes":["a"]}',
    b'{"data_version":7.0,"writes":["a"]}',
    b"[]",
    b"null",
]


@pytest.mark.parametrize("params", USUAL)
def test_the_usual_form_does_without_msgspec(params):
    assert decoded(params) == (reference(params), True)


@pytest.mark.parametrize("params", UNUSUAL)
def test_every_other_form_is_understood_as_well(params):
    assert decoded(params) == (reference(params), False)


@pytest.mark.parametrize("params", WRONG)
def test_what_is_no_set_of_writes(params):
    with pytest.raises(msgspec.ValidationError):
        decoded(params)


def test_strings_are_pythons_own():
    event, _ = decoded(b'{"data_version":7,"writes":["","a","abc"]}')
    assert [len(text) for text in event.writes] == [0, 1, 3]
    assert all(text.isascii() for text in event.writes)
    assert dict.fromkeys(event.writes) == {"": None, "a": None, "abc": None}
    assert sys.getsizeof(event.writes[2]) == sys.getsizeof("abc")
    assert event.writes[2] + "d" == "abcd"


def test_an_event_that_cannot_be_made_raises():
    def broken(writes: list[str], version: int) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        WritesDecoder(broken, reference)(USUAL[0])
