"""A copy of a stream, cut into messages and what is none."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clnwire.captures.cutting import LONGEST_JUNK, Cutter, Piece

GOOD = [b'{"a":1}', b'{"b":[1,2,{"c":"\\n\\n}"}]}', b"7", '"ü"'.encode()]
JUNK = b'{"x":nul} {"y":1}'
BAD = Piece(JUNK, "not JSON: expected true, false or null at byte 8")


def cut(*chunks: bytes) -> list[Piece]:
    cutter = Cutter()
    return [*itertools.chain.from_iterable(map(cutter.feed, chunks)), *cutter.end()]


def stream(*texts: bytes) -> bytes:
    return b"".join(text + b"\n\n" for text in texts)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (stream(*GOOD), [Piece(one) for one in GOOD]),
        (b" \n" + b"".join(GOOD[:2]), [Piece(one) for one in GOOD[:2]]),
        (stream(JUNK, GOOD[0]), [BAD, Piece(GOOD[0])]),
        (stream(GOOD[0], JUNK, JUNK, GOOD[1]), [Piece(GOOD[0]), BAD, BAD, Piece(GOOD[1])]),
        # A message that holds an option's value that is not JSON is one nevertheless.
        (stream(b'{"n":0x10}', GOOD[0]), [Piece(b'{"n":0x10}'), Piece(GOOD[0])]),
        (
            GOOD[0] + b'{"cut',
            [Piece(GOOD[0]), Piece(b'{"cut', "the stream ended inside a message")],
        ),
        (b"\n\n", []),
        (b"", []),
    ],
)
def test_whole_byte_by_byte_and_split(text: bytes, pieces: list[Piece]) -> None:
    assert cut(text) == pieces
    assert cut(*(text[n : n + 1] for n in range(len(text)))) == pieces
    for split in range(len(text)):
        assert cut(text[:split], text[split:]) == pieces


@given(st.lists(st.binary(max_size=40) | st.sampled_from(GOOD)), st.integers(1, 20))
def test_nothing_is_lost_but_white_space(texts: list[bytes], size: int) -> None:
    text = stream(*texts)
    found = b"".join(
        piece.data for piece in cut(*(text[n : n + size] for n in range(0, len(text), size)))
    )
    white = b" \t\r\n\x0b\x0c"
    assert found.translate(None, white) == text.translate(None, white)


def test_what_has_no_end_does_not_fill_the_memory() -> None:
    cutter = Cutter()
    found = [piece for _ in range(40) for piece in cutter.feed(b"x" * 100_000)]
    assert len(found) == 3
    assert all(len(piece.data) >= LONGEST_JUNK for piece in found)
    assert [piece.data for piece in cutter.feed(b"x\n\n" + GOOD[0])][-1] == GOOD[0]


def test_a_gap_is_left_at_the_next_message() -> None:
    cutter = Cutter()
    whole = json.dumps({"n": 1}).encode()
    assert list(cutter.feed(whole + b'{"star')) == [Piece(whole)]
    assert list(cutter.skip()) == [Piece(b'{"star', "the stream ended inside a message")]
    assert list(cutter.feed(b't":2}\n\n' + whole + b"\n\n")) == [
        Piece(b't":2}', "its start is missing"),
        Piece(whole),
    ]
    assert list(cutter.skip()) == []
    assert list(cutter.feed(whole + b"\n\n")) == [Piece(whole)]
