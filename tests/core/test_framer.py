"""The framer as Python sees it: however the bytes are cut, the same frames."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clnwire._core import Framer, MalformedError, members, validate

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
separators = st.sampled_from(["", "\n\n", " ", "\r\n\t", "\n\n\n\n"])
styles = st.sampled_from([{}, {"indent": 2}, {"ensure_ascii": False}, {"separators": (",", ":")}])


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[object]]:
    """A stream of objects and arrays in various styles, and what they are."""
    message = st.lists(json_values, max_size=4) | st.dictionaries(
        st.text(max_size=8), json_values, max_size=4
    )
    values = draw(st.lists(message, max_size=6))
    text = "".join(json.dumps(value, **draw(styles)) + draw(separators) for value in values)
    return text.encode("utf-8", "surrogatepass"), values


def frames(chunks: list[bytes]) -> list[tuple[bytes, bool]]:
    """The frames, and which of them are JSON; a stream that ends inside one has it as the last."""
    framer, found = Framer(), []
    try:
        for chunk in [*chunks, b""]:
            framer.feed(chunk)
            found += [(frame.bytes, frame.fault is None) for frame in framer]
    except MalformedError:
        found.append((b"", False))
    return found


@pytest.mark.promise(
    "a stream is cut anywhere, even byte by byte",
    "the same messages, with the same values, arrive",
)
@given(streams(), st.lists(st.integers(0, 10_000)))
def test_the_same_values_however_the_stream_is_cut(stream, cuts):
    data, values = stream
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    chunks = [data[a:b] for a, b in pairwise(edges)]
    whole = frames([data] if data else [])
    is_utf8 = data == data.decode("utf-8", "ignore").encode()
    if is_utf8:
        assert [json.loads(frame) for frame, _ in whole] == values
    # Half a surrogate pair is not UTF-8, and so no JSON.
    assert all(is_json for _, is_json in whole) == is_utf8
    assert frames(chunks) == whole
    assert frames([data[n : n + 1] for n in range(len(data))]) == whole


@pytest.mark.promise(
    "text that is nearly JSON",
    "the verdict is that of JSON: nothing else is taken, nothing that is JSON is refused",
)
@given(st.binary(max_size=60) | st.text('{}[]",:\\u0a1e-+. \ntruefalsn', max_size=40))
@settings(max_examples=200)
def test_the_verdict_is_that_of_json(data):
    data = data if isinstance(data, bytes) else data.encode()
    problem = _problem(data)
    if problem is None:
        _load(data)
        return
    assert 0 <= problem.offset <= len(data)
    with pytest.raises(ValueError):
        _load(data)


def _problem(data: bytes) -> MalformedError | None:
    try:
        validate(data)
    except MalformedError as error:
        return error
    return None


def _load(data: bytes) -> object:
    def refuse(word: str) -> None:
        raise ValueError(word)

    # json.loads also takes UTF-16, a byte order mark, and NaN.
    text = data.decode("utf-8")
    return json.loads(text.strip(" \t\r\n"), parse_constant=refuse)


def test_a_frame_shows_its_members():
    framer = Framer()
    framer.feed(
        b' {"result":null,"\\u0069d":1,"id":"a/b#1", "method":"m\\u0065", "id":2,'
        b'"params":[ 1 ],"error":{},"origin":"o.py","jsonrpc":"2.0"} [1]'
    )
    frame, other = framer
    assert (frame.id, frame.method, frame.params) == (b'"a/b#1"', "me", b"[ 1 ]")
    assert (frame.result, frame.error, frame.origin) == (b"null", b"{}", b'"o.py"')
    assert (frame.jsonrpc, frame.kind, frame.offset) == (b'"2.0"', "request", 1)
    assert frame.id_span is not None
    assert frame.bytes[slice(*frame.id_span)] == frame.id
    assert (other.kind, other.id, other.id_span, other.method) == ("other", None, None, None)
    assert "request" in repr(frame)
    assert framer.buffered == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b'{"method":"a","id":1}', "request"),
        (b'{"method":"a"}', "notification"),
        (b'{"id":1,"result":1}', "reply"),
        (b'{"id":1,"error":1}', "reply"),
        (b'{"id":1}', "other"),
        (b"{}", "other"),
        (b'{"method":7,"id":1}', "request"),
    ],
)
def test_kinds(text, kind):
    framer = Framer()
    framer.feed(text)
    (frame,) = framer
    assert frame.kind == kind


def test_a_message_that_is_no_json_is_lost_alone():
    framer = Framer()
    framer.feed(b'{"id":1} {"method":"m","params":[tru],"id":2} {"id":3}')
    first, lost, last = framer
    assert [first.id, lost.id, last.id] == [b"1", b"2", b"3"]
    assert (lost.kind, lost.method, lost.params) == ("malformed", "m", b"[tru]")
    fault = lost.fault
    assert fault is not None
    assert (fault.reason, fault.offset) == ("expected true, false or null", 27)
    assert fault.near in lost.bytes.decode()
    assert first.fault is None


def test_the_error_at_the_end_stays():
    framer = Framer()
    framer.feed(b'{"id":1} {"id":tru')
    assert next(framer).id == b"1"
    framer.feed(b"")
    for _ in range(2):
        with pytest.raises(MalformedError, match="the stream ended inside a message at byte 18"):
            next(framer)


def test_the_caps_say_how_to_raise_them():
    framer = Framer(max_frame_bytes=10)
    framer.feed(b'["12345678"]')
    assert "max_frame_bytes = 10; raise it" in str(next(framer).fault)
    framer = Framer(max_depth=2)
    framer.feed(b"[[]] [[[")
    assert next(framer).bytes == b"[[]]"
    assert list(framer) == []
    assert "max_depth = 2; raise it" in str(framer.pending_fault)


def test_the_end_of_the_stream():
    framer = Framer()
    framer.feed(b"12")
    assert list(framer) == []
    framer.feed(b"")
    assert [frame.bytes for frame in framer] == [b"12"]
    framer = Framer()
    framer.feed(b"[1")
    framer.feed(b"")
    with pytest.raises(MalformedError, match="ended inside a message"):
        next(framer)


def test_members_pass_on_what_ends_where_a_scalar_would():
    assert members(b'{"a":0x10, "b":[1,0x10],"a":"x","\\u0063":{"d":1}}') == [
        ("a", b"0x10"),
        ("b", b"[1,0x10]"),
        ("a", b'"x"'),
        ("c", b'{"d":1}'),
    ]
    for bad in (b"[1]", b'{"a":1}{}', b'{"a"', b"", b'{"a":1]'):
        with pytest.raises(MalformedError):
            members(bad)
