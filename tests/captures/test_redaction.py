"""What is masked, and that everything else stays as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clnwire._core import mask

SECRET = ("secret", "pre")


@pytest.mark.parametrize(
    ("frame", "masked"),
    [
        ('{"secret":"0aFF"}', '{"secret":"0000"}'),
        ('{"secret" : "word"}', '{"secret" : "****"}'),
        ('{"secret":"0af"}', '{"secret":"***"}'),
        ('{"secret":"a\\u00e9\\"ü\\n"}', '{"secret":"*****"}'),
        ('{"secret":""}', '{"secret":""}'),
        ('{"secret":12345}', '{"secret":10000}'),
        ('{"secret":-7.25e-10}', '{"secret":-0.00e-00}'),
        ('{"secret":true,"b":true}', '{"secret":false,"b":true}'),
        ('{"secret":null}', '{"secret":null}'),
        ('{"secret":0x1F}', '{"secret":0}'),
        (
            '{"a":{"secret":{"k":"v","l":[1,"22",{"secret":3}]},"b":4},"c":5}',
            '{"a":{"secret":{"k":"*","l":[0,"00",{"secret":0}]},"b":4},"c":5}',
        ),
        (
            '[{"pre":1},{"pre":[]},{"x":"secret"},"pre"]',
            '[{"pre":0},{"pre":[]},{"x":"secret"},"pre"]',
        ),
        ('{"s\\u0065cret":"hidden"}', '{"s\\u0065cret":"******"}'),
        ('{"x":"\\"secret\\":1,","y":2}', '{"x":"\\"secret\\":1,","y":2}'),
        ('{"Secret":1}', '{"Secret":1}'),
    ],
)
def test_masks(frame: str, masked: str) -> None:
    assert mask(frame.encode(), SECRET)[0].decode() == masked


@pytest.mark.parametrize(
    "spelling",
    [
        r"a/b \"\n",
        r"a\/b \"\n",
        r"a\u002fb \u0022\u000A",
        r"\u0061\u002F\u0062\u0020\"\n",
    ],
)
def test_a_name_is_masked_however_it_is_spelled(spelling: str) -> None:
    frame = f'{{"{spelling}":"hidden","a/c":"shown"}}'
    masked, names = mask(frame.encode(), ['a/b "\n'])
    assert masked.decode() == f'{{"{spelling}":"******","a/c":"shown"}}'
    assert names == ('a/b "\n',)


@pytest.mark.parametrize(
    ("name", "spelling"),
    [("ü\t€", r"\u00fc\t\u20aC"), ("🗲", r"\ud83d\uddf2"), ("🗲", "🗲"), ("b\\f", r"b\\f")],
)
def test_names_beyond_ascii_are_masked_too(name: str, spelling: str) -> None:
    masked, names = mask(f'{{"{spelling}" : "zz"}}'.encode(), [name])
    assert masked.decode() == f'{{"{spelling}" : "**"}}'
    assert names == (name,)


@pytest.mark.parametrize("size", range(60))
def test_what_is_cut_off_or_no_json_is_survived(size: int) -> None:
    text = b'{"secret":["a\\u00e9\\"b",{"pre":-1}],"secret":tru,]]}},"x":"\\'
    masked, _ = mask(text[:size], SECRET)
    assert b"00e9" not in masked


PEAK = """
import resource, sys
from clnwire._core import mask

frame = b'{"secret":[' + b'"a",' * 4_000_000 + b'1]}'
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
masked, names = mask(frame, ["secret"])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert names == ("secret",) and masked.count(b"*") == 4_000_000, names
scale = 1 if sys.platform == "darwin" else 1024
print((after - before) * scale / len(frame))
"""


def test_masking_takes_a_few_bytes_of_memory_for_a_byte_of_the_message() -> None:
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 6


def test_the_names_that_were_met() -> None:
    assert mask(b'{"pre":1,"a":[{"secret":2,"pre":3}]}', SECRET)[1] == ("pre", "secret")
    assert mask(b'{"a":1}', SECRET)[1] == ()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["secret", "pre", "a", "b\n"]) | st.text(), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def expected(value: Any, *, masked: bool = False) -> Any:
    """The shape of a value, with everything that may be seen."""
    if isinstance(value, dict):
        return {
            name: expected(inner, masked=masked or name in ("secret", "pre"))
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [expected(inner, masked=masked) for inner in value]
    return type(value).__name__ if masked else value


def seen(value: Any, original: Any, *, masked: bool = False) -> Any:
    """The same shape of what was masked; no string in it may say anything."""
    if isinstance(value, dict):
        return {
            name: seen(inner, original[name], masked=masked or name in ("secret", "pre"))
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [seen(*pair, masked=masked) for pair in zip(value, original, strict=True)]
    if masked and isinstance(value, str):
        assert set(value) <= {"*"} or set(value) <= {"0"}
        assert len(value) == len(original) or "\\u" in json.dumps(original)
    return type(value).__name__ if masked else value


@settings(max_examples=50)
@given(JSON, st.booleans())
def test_the_rest_stays_and_the_shape_too(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    masked, names = mask(text, SECRET)
    assert seen(json.loads(masked), value) == expected(value)
    if not names:
        assert masked == text
