"""JSON of which much is the same is gone through once."""

from __future__ import annotations

from clnwire._wire import tolerant


def test_the_doubled_name_of_many_is_found_with_one_look_at_each() -> None:
    # With a count for each, it would be 5 billion comparisons.
    names = ",".join(f'"{number}":1' for number in [*range(100_000), 99_999])
    assert tolerant.doubled_name(f"{{{names}}}".encode()) == "99999"
    assert tolerant.doubled_name(b'{"a":{"b":1,"c":2,"b":3},"a":1}') in ("a", "b")
    assert tolerant.doubled_name(b'[{"a":1},{"a":1}]') is None


def test_a_string_without_an_end_is_looked_through_once() -> None:
    # With a search for the end at each quote, it would be 20 billion steps.
    text = b'"' + b'\\"' * 200_000
    assert tolerant.items(b"[1," + text) == [b"1"]
    assert tolerant.items(b'["a\\"]",{"b":[2]}]') == [b'"a\\"]"', b'{"b":[2]}']
