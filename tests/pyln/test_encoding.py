"""What clnwire's `dumps` writes is what Python's `json` writes, errors included."""

from __future__ import annotations

import json
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clnwire.pyln.encoding import dumps
from clnwire.pyln.millisatoshi import Millisatoshi

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=10,
)


def outcome(encode: Any, value: Any) -> str:
    try:
        return str(encode(value))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def theirs(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


@given(VALUES)
def test_the_text_is_that_of_json(value: Any):
    assert outcome(dumps, value) == outcome(theirs, value)


def test_errors_are_those_of_json_and_leave_nothing_behind():
    circle: list[Any] = [1]
    circle.append(circle)
    inner = {"a": 1}
    for wrong in (circle, [inner, {1}], [inner, float("nan")], {"a": [inner, b"x"]}):
        assert outcome(dumps, wrong) == outcome(theirs, wrong)
        assert ": " in outcome(dumps, wrong)
        assert dumps([inner, inner]) == theirs([inner, inner])
    assert dumps({"a": Millisatoshi(5)}) == '{"a": "5msat"}'


def test_a_plugin_may_replace_the_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(json.JSONEncoder, "default", lambda self, value: sorted(value))
    assert dumps({"a": {2, 1}}) == '{"a": [1, 2]}'


def test_threads_may_encode_the_same_value():
    value = [{"n": number, "of": list(range(20))} for number in range(50)]
    expected = theirs(value)
    found: set[str] = set()
    threads = [
        Thread(target=lambda: found.update(dumps(value) for _ in range(100))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {expected}
