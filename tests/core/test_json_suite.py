"""JSONTestSuite (github.com/nst/JSONTestSuite), each text as a member of a stream.

`JSON_TEST_SUITE` is the suite's folder. A text is followed by a blank line and a message. What the
framer makes of it, in order: `value` is JSON; `accepted` is not, but lightningd's parser takes it;
`refused` is what that parser refuses too; `open` never ends, and takes what follows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from clnwire._core import Framer, MalformedError

NEXT: Final = b'{"jsonrpc":"2.0","id":"next","method":"m"}'

# Every other `y_` is a value, and every other `n_` and `i_` is refused; `rust/fuzz/README.md` has
# the reasons.
DIFFERENCES: Final = {
    ("i", "value"): """
        number_double_huge_neg_exp number_huge_exp number_neg_int_huge_exp
        number_pos_double_huge_exp number_real_neg_overflow number_real_pos_overflow
        number_real_underflow number_too_big_neg_int number_too_big_pos_int
        number_very_big_negative_int object_key_lone_2nd_surrogate
        string_1st_surrogate_but_2nd_missing string_1st_valid_surrogate_2nd_invalid
        string_incomplete_surrogate_and_escape_valid string_incomplete_surrogate_pair
        string_incomplete_surrogates_escape_valid string_invalid_lonely_surrogate
        string_invalid_surrogate string_inverted_surrogates_U+1D11E string_lone_second_surrogate
        structure_500_nested_arrays
    """,
    ("n", ""): """
        single_space structure_no_data
    """,
    ("n", "accepted"): """
        array_1_true_without_comma array_comma_and_number array_double_comma
        array_double_extra_comma array_extra_comma array_items_separated_by_semicolon
        array_just_comma array_just_minus array_missing_value array_number_and_comma
        array_number_and_several_commas incomplete_false incomplete_null incomplete_true
        number_-01 number_-1.0. number_-2. number_-NaN number_0.1.2 number_0.3e+ number_0.3e
        number_0.e1 number_0_capital_E+ number_0_capital_E number_0e+ number_0e number_1.0e+
        number_1.0e- number_1.0e number_1_000 number_1eE2 number_2.e+3 number_2.e-3 number_2.e3
        number_9.e+ number_expression number_hex_1_digit number_hex_2_digits number_invalid+-
        number_invalid-negative-real number_minus_infinity
        number_minus_sign_with_trailing_garbage number_minus_space_1
        number_neg_int_starting_with_zero number_neg_real_without_int_part
        number_neg_with_garbage_at_end number_real_garbage_after_e
        number_real_without_fractional_part number_with_alpha number_with_alpha_char
        number_with_leading_zero object_bad_value object_double_colon
        object_several_trailing_commas object_trailing_comma object_two_commas_in_a_row
        string_unescaped_newline string_unescaped_tab structure_number_with_trailing_garbage
    """,
    ("n", "accepted refused"): """
        array_inner_array_no_comma
    """,
    ("n", "accepted refused accepted accepted accepted accepted open"): """
        string_single_doublequote
    """,
    ("n", "open"): """
        array_incomplete array_incomplete_invalid_value array_newlines_unclosed array_unclosed
        array_unclosed_trailing_comma array_unclosed_with_new_lines
        array_unclosed_with_object_inside object_missing_value structure_100000_opening_arrays
        structure_lone-open-bracket structure_object_unclosed_no_value
        structure_open_array_apostrophe structure_open_array_comma structure_open_array_object
        structure_open_array_string structure_unclosed_array
        structure_unclosed_array_partial_null structure_unclosed_array_unfinished_false
        structure_unclosed_array_unfinished_true
    """,
    ("n", "value accepted"): """
        array_comma_after_close
    """,
    ("n", "value refused"): """
        array_extra_close object_trailing_comment object_trailing_comment_open
        object_trailing_comment_slash_open object_trailing_comment_slash_open_incomplete
        object_with_trailing_garbage string_with_trailing_garbage
        structure_array_trailing_garbage structure_array_with_extra_array_close
        structure_close_unopened_array structure_object_followed_by_closing_object
    """,
    ("n", "value refused refused"): """
        structure_trailing_#
    """,
    ("n", "value value"): """
        structure_double_array structure_object_with_trailing_garbage
    """,
}
VERDICTS: Final = {
    f"{kind}_{name}": verdict
    for (kind, verdict), names in DIFFERENCES.items()
    for name in names.split()
}


def suite() -> list[Path]:
    folder = os.environ.get("JSON_TEST_SUITE")
    return sorted(Path(folder).glob("test_parsing/*.json")) if folder else []


def verdict(chunks: Iterable[bytes]) -> str:
    """What the framer makes of a text with `NEXT` behind it."""
    framer, found = Framer(), list[str]()
    try:
        for chunk in [*chunks, b""]:
            framer.feed(chunk)
            for frame in framer:
                if frame.bytes != NEXT:
                    fault = "refused" if frame.is_refused else "accepted"
                    found.append("value" if frame.fault is None else fault)
    except MalformedError:
        found.append("open")
    return " ".join(found)


def test_the_suite() -> None:
    texts = suite()
    if not texts:
        pytest.skip("needs JSONTestSuite, whose folder JSON_TEST_SUITE names")
    found: dict[str, str] = {}
    for path in texts:
        stream = path.read_bytes() + b"\n\n" + NEXT
        found[path.stem] = verdict([stream])
        assert verdict(stream[at : at + 1] for at in range(len(stream))) == found[path.stem]
    usual = {name: "value" if name.startswith("y") else "refused" for name in found}
    assert found == usual | VERDICTS
