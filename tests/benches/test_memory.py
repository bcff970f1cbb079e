"""A hundred thousand messages leave nothing in a plugin's memory; `benches.memory` has more."""

from __future__ import annotations

import ctypes

import pytest
from benches.memory import Row, measure

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc's mallinfo2"
    ),
]


@pytest.mark.parametrize("message", ["db_write", "hook", "method", "notification"])
def test_plain_handlers_leave_nothing(message: str) -> None:
    result = measure(Row("plain", message, "answer"), 100_000, 100, samples=8)
    assert result["messages"] >= 100_000
    assert result["flat"]
    assert len(result["descriptors"]) == len(result["threads"]) == 1


@pytest.mark.parametrize("form", ["async", "thread"])
def test_others_leave_nothing(form: str) -> None:
    assert measure(Row(form, "hook", "answer"), 5_000, 100, samples=8)["flat"]


def test_what_is_left_is_seen() -> None:
    assert not measure(Row("plain", "hook", "leak"), 10_000, 100, samples=8)["flat"]
