"""Short channel ids and outpoints, taken apart and put together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clnwire.types import (
    ShortChannelIdParts,
    direction_between,
    format_short_channel_id,
    parse_short_channel_id,
    short_channel_id_from_int,
    short_channel_id_to_int,
    split_outpoint,
    split_short_channel_id_dir,
)


def test_taking_one_apart():
    assert parse_short_channel_id("103x1x0") == ShortChannelIdParts(103, 1, 0)
    assert parse_short_channel_id("103x1x0").block_height == 103
    assert format_short_channel_id(103, 1, 0) == "103x1x0"


@given(st.tuples(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1), st.integers(0, 2**16 - 1)))
def test_nothing_is_lost_on_the_way(parts):
    text = format_short_channel_id(*parts)
    assert parse_short_channel_id(text) == parts
    assert short_channel_id_from_int(short_channel_id_to_int(text)) == text


def test_the_number_on_the_wire():
    # BOLT 7: three bytes of height, three of the transaction, two of the output.
    assert short_channel_id_to_int("539268x845x1") == 0x083A84_00034D_0001
    assert sorted(["9x1x0", "10x0x0"], key=parse_short_channel_id) == ["9x1x0", "10x0x0"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "103",
        "103x1",
        "103x1x0x0",
        "103x1x",
        "103:1:0",
        "-1x1x0",
        "103x1x0/1",
        " 1x1x1",
        "1x1x\u0661",
    ],
)
def test_what_is_none(text):
    with pytest.raises(ValueError, match=r"not a short channel id.*write it as"):
        parse_short_channel_id(text)


@pytest.mark.parametrize("text", ["16777216x0x0", "0x16777216x0", "0x0x65536"])
def test_parts_out_of_range(text):
    with pytest.raises(ValueError, match=r"is not from 0 to 2\^"):
        parse_short_channel_id(text)


@pytest.mark.parametrize("number", [-1, 2**64])
def test_numbers_out_of_range(number):
    with pytest.raises(ValueError, match="not a short channel id"):
        short_channel_id_from_int(number)


def test_directions():
    assert split_short_channel_id_dir("103x1x0/1") == ("103x1x0", 1)
    for wrong in ("103x1x0", "103x1x0/", "103x1x0/2", "103x1/0"):
        with pytest.raises(ValueError, match="write it as"):
            split_short_channel_id_dir(wrong)
    assert direction_between("02aa", "02ab") == 0
    assert direction_between("02AB", "02aa") == 1


def test_outpoints():
    assert split_outpoint("ab" * 32 + ":7") == ("ab" * 32, 7)
    for wrong in (
        "",
        "ab" * 32,
        "ab" * 31 + ":0",
        "ab" * 32 + ":",
        "ab" * 32 + ":-1",
        "zz" * 32 + ":0",
    ):
        with pytest.raises(ValueError, match="not an outpoint"):
            split_outpoint(wrong)
