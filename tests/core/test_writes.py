"""The decoder of `db_write`: the same event as msgspec's, whatever the form of the params."""

from __future__ import annotations

import itertools
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


@pytest.mark.promise(
    "a `db_write` of any form, with any characters",
    "the handler gets the statements that msgspec would decode",
)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=6),
    st.booleans(),
)
def test_any_set_of_writes(version, writes, ascii_only):
    params = compact(version, writes, ascii_only=ascii_only)
    event, quick = decoded(params)
    assert event == reference(params) == DbWrite(writes, version)
    assert quick


USUAL = [
    b'{"data_version":0,"writes":[]}',
    b'{"data_version":4294967295,"writes":[""]}',
    b'{"data_version":7,"writes":["a","","b"]}',
    b'{"data_version":7,"writes":["\x7f"]}',
    b'{"data_version":7,"writes":["' + b"x" * 100_000 + b'"]}',
    b'{"data_version":7,"writes":["a\\"b","c\\\\"]}',
    b'{"data_version":7,"writes":["\\ud83e\\udd80"]}',
    '{"data_version":7,"writes":["ü","\U0001f980"]}'.encode(),
]
UNUSUAL = [
    b'{"data_version": 7,"writes":["a"]}',
    b'{"data_version":7,"writes":["a", "b"]}',
    b'{"data_version":7,"writes":[ ]}',
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


ESCAPES = [
    *(f"\\{letter}" for letter in '"\\/bfnrt'),
    "\\u0000",
    "\\u007f",
    "\\u0080",
    "\\u00FF",
]
ESCAPES += [
    "\\u0100",
    "\\u07ff",
    "\\u0800",
    "\\uffff",
    "\\ud800\\udc00",
    "\\uDBFF\\uDFFF",
    "\\\\u0041",
]
BAD_ESCAPES = [
    "\\x",
    "\\u12",
    "\\u12g4",
    "\\ud800",
    "\\ud800x",
    "\\ud800\\u0041",
    "\\udc00",
    "\\ud800\\ud800",
    "\\",
]
PLAIN = st.text(
    st.characters(exclude_characters='"\\', exclude_categories=["Cs", "Cc"]), max_size=20
)


def of_text(inside: str, tail: str = '"]}') -> bytes:
    """Params with one statement, as it stands between its quotes."""
    return f'{{"data_version":7,"writes":["{inside}{tail}'.encode()


@pytest.mark.promise("a `db_write` of any form, with any characters")
@given(st.lists(st.one_of(PLAIN, st.sampled_from(ESCAPES)), max_size=12).map("".join))
def test_escapes_and_characters_anywhere(inside):
    params = of_text(inside)
    event, quick = decoded(params)
    assert quick
    assert event.writes == json.loads(params)["writes"]
    assert event == reference(params)


@given(
    st.lists(st.one_of(PLAIN, st.sampled_from(ESCAPES + BAD_ESCAPES)), max_size=8).map("".join),
    st.sampled_from(['"]}', '"', "", '"]']),
)
def test_what_is_no_text_is_as_wrong_as_for_msgspec(inside, tail):
    params = of_text(inside, tail)
    try:
        expected = reference(params)
    except msgspec.DecodeError:
        with pytest.raises(msgspec.DecodeError):
            decoded(params)
    else:
        assert decoded(params)[0] == expected


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\xa6"])
def test_bytes_that_are_no_utf8(bad):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decoded(b'{"data_version":7,"writes":["' + bad + b'"]}')


def assert_narrow(made, text):
    own = sys.getsizeof("".join([*text]))
    # Python has each character up to U+00FF once, from 3.12 on with room for its UTF-8.
    assert sys.getsizeof(made) == own or (len(text) == 1 and sys.getsizeof(made) < own)


@pytest.mark.parametrize("character", ["\x7f", "\x80", "\xff", "\u0100", "\uffff", "\U00010000"])
def test_strings_are_as_narrow_as_pythons(character):
    lengths = [*range(18), *range(28, 36), *range(60, 70)]
    for before, behind in itertools.product(lengths, [0, 1, 16, 31, 32, 65]):
        text = "a" * before + character + "b" * behind
        (made,) = decoded(of_text(text))[0].writes
        assert (made, hash(made)) == (text, hash(text))
        assert_narrow(made, text)


def test_strings_behind_an_emoji_are_as_narrow_as_before():
    texts = ["🦀", "a" * 70, "é" * 70, "⚡" * 70, "\n" * 70]
    event, quick = decoded(compact(7, texts, ascii_only=False))
    assert (event.writes, quick) == (texts, True)
    sizes = [sys.getsizeof("".join([*text])) for text in texts]
    assert [sys.getsizeof(made) for made in event.writes] == sizes


# Characters of one to four bytes.
RUNS = st.tuples(st.sampled_from("aé⚡\U0001f980"), st.integers(1, 40)).map(
    lambda run: run[0] * run[1]
)


@given(st.lists(RUNS, max_size=12).map("".join))
def test_runs_of_characters_of_any_size(text):
    (made,) = decoded(of_text(text))[0].writes
    assert (made, hash(made)) == (text, hash(text))
    assert_narrow(made, text)


@pytest.mark.parametrize("character", ["é", "⚡", "\U0001f980"])
@pytest.mark.parametrize("before", range(4))
def test_long_strings_beyond_ascii(character, before):
    text = "a" * before + character * 10_000
    assert decoded(of_text(text))[0].writes == [text]


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
