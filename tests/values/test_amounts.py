"""Amounts: exact, in their range, and what is none is told so."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clnwire.types import (
    Msat,
    format_msat,
    msat_to_btc,
    msat_to_sat,
    parse_msat,
    sat_to_msat,
)

AMOUNTS = st.integers(0, 2**64 - 1).map(Msat)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("10000msat", 10_000),
        ("10sat", 10_000),
        ("10", 10),
        (10, 10),
        ("0msat", 0),
        ("0.5sat", 500),
        ("0.001sat", 1),
        ("1btc", 100_000_000_000),
        ("0.00000000001btc", 1),
        ("21000000.00000000000btc", 2_100_000_000_000_000_000),
        ("18446744073709551615msat", 2**64 - 1),
    ],
)
def test_an_amount_as_people_write_it(text, amount):
    assert parse_msat(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        "",
        "msat",
        "btc",
        "-1msat",
        "+1msat",
        "1.msat",
        "1.5msat",
        "1.",
        ".5sat",
        "0.0001sat",
        "1 sat",
        "1e3",
        "1_000",
        "1,5sat",
        "\u0661sat",
        "1SAT",
        "1satmsat",
        "0.000000000001btc",
        "18446744073709551616msat",
        "184467440737095517sat",
        -1,
        2**64,
    ],
)
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match="not an amount"):
        parse_msat(text)


@given(AMOUNTS)
def test_nothing_is_lost_on_the_way(amount):
    assert parse_msat(format_msat(amount)) == amount
    assert parse_msat(f"{msat_to_btc(amount):f}btc") == amount
    assert msat_to_btc(amount) * 10**11 == amount
    assert sat_to_msat(msat_to_sat(amount, round_down=True)) + amount % 1000 == amount


def test_satoshis():
    assert sat_to_msat(21) == 21_000
    assert msat_to_sat(Msat(21_000)) == 21
    assert msat_to_sat(Msat(21_999), round_down=True) == 21
    with pytest.raises(ValueError, match="not a whole number of satoshis"):
        msat_to_sat(Msat(21_999))
    for none in (-1, 2**64 // 1000 + 1):
        with pytest.raises(ValueError, match="not an amount"):
            sat_to_msat(none)


def test_bitcoins():
    assert str(msat_to_btc(Msat(1))) == "1E-11"
    assert msat_to_btc(Msat(123_456_789_012_345_678)) == Decimal("1234567.89012345678")
