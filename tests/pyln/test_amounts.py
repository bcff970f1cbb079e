"""`Millisatoshi` computes, compares and raises what pyln-client's does."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pyln.both import both, original, own

SIDES: Final = (original.Millisatoshi, own.Millisatoshi)
OPERATORS: Final = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
    operator.pow,
    operator.and_,
)
WHOLE: Final = st.integers(0, 21 * 10**17)
NUMBERS: Final = st.one_of(
    WHOLE,
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.decimals(-(10**6), 10**6, allow_nan=False, allow_infinity=False, places=3),
    st.booleans(),
    st.none(),
    st.text(max_size=5),
)
TEXTS: Final = st.builds(
    "{}{}".format,
    st.one_of(WHOLE, st.decimals(-10, 10**9, places=4), st.text(max_size=4)),
    st.sampled_from(["msat", "sat", "btc", "", "MSAT", " msat"]),
)


@given(st.one_of(NUMBERS, TEXTS))
@example("1e3msat")
@example("0.1msat")
@example("NaNmsat")
@example(Fraction(5, 1))
@example([])
def test_what_it_takes(value: Any) -> None:
    theirs, ours = both(SIDES, lambda side: side(value))
    assert theirs == ours


@given(WHOLE, NUMBERS, st.booleans(), st.booleans())
def test_arithmetic(left: int, right: Any, wraps: bool, swapped: bool) -> None:
    if isinstance(right, str):
        # Multiplied, it would be a text of gigabytes.
        left %= 1000

    def compute(side: Any, how: Callable[[Any, Any], Any]) -> Any:
        one, two = side(left), side(right) if wraps else right
        return how(two, one) if swapped else how(one, two)

    for each in OPERATORS:
        theirs, ours = both(SIDES, partial(compute, how=each))
        assert _unnamed(theirs) == _unnamed(ours), each


def _unnamed(got: tuple[str, Any]) -> tuple[str, Any]:
    return got[0], str(got[1]).replace("Millisatoshi", "M")


FORMS: Final[tuple[Callable[[Any], Any], ...]] = (
    repr,
    str,
    int,
    float,
    hash,
    bool,
    operator.neg,
    operator.index,
    json.dumps,
    lambda amount: json.dumps({"a": [amount]}),
    lambda amount: amount.to_satoshi(),
    lambda amount: amount.to_whole_satoshi(),
    lambda amount: amount.to_btc(),
    lambda amount: amount.to_satoshi_str(),
    lambda amount: amount.to_btc_str(),
    lambda amount: amount.to_approx_str(),
    lambda amount: amount.to_approx_str(digits=1),
    lambda amount: amount.to_json(),
    lambda amount: amount.millisatoshis,
    lambda amount: sum([amount, amount]),
    lambda amount: f"{amount}",
    lambda amount: amount in (1, amount),
)


@given(WHOLE)
@example(0)
@example(1)
@example(1000)
@example(123_456_789_012)
def test_forms(value: int) -> None:
    for form in FORMS:
        theirs, ours = both(SIDES, lambda side: form(side(value)))  # noqa: B023
        assert theirs == ours


def test_members() -> None:
    theirs, ours = (
        {name for name in dir(side) if not name.startswith("__") or name.endswith("__")}
        for side in SIDES
    )
    assert theirs == ours


@pytest.mark.parametrize("value", [Decimal("1.5"), 1.5, -1, "1", b"1msat", {}, "-1msat"])
def test_refused(value: Any) -> None:
    theirs, ours = both(SIDES, lambda side: side(value))
    assert theirs == ours
    assert ours[0].endswith("Error")


def test_an_amount_with_a_billion_digits_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        own.Millisatoshi("1e999999999msat")
