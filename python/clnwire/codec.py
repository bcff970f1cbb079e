"""Python values to JSON and back, where no Struct says what to expect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from clnwire import _core

if TYPE_CHECKING:
    from collections.abc import Callable

encode = msgspec.json.Encoder().encode
"""A typed value (a Struct, or what msgspec knows) to JSON."""

_encode_untyped: Callable[[Any], bytes] | None = None


def encode_any(value: object) -> bytes:
    """What a user's function returned to JSON.

    `msgspec.Raw` and `bytes` are taken as JSON and checked wherever they stand, since a malformed
    reply would make the daemon kill the plugin. Plain dicts and lists go through orjson if it is
    installed: it is never slower, and takes half to four fifths of the time from 3 kB on
    (`benches/test_messages.py`). Raises `TypeError` or `ValueError` for what is no JSON.
    """
    if isinstance(value, (dict, list)):
        return (_encode_untyped or _choose_encoder())(value)
    if isinstance(value, bytes):
        return validated(value)
    if value is None or isinstance(value, (str, int, float)):
        return encode(value)
    return validated(encode(value))


def validated(text: bytes) -> bytes:
    """JSON text that somebody else wrote. Raises `MalformedError` (a `ValueError`)."""
    _core.validate(text)
    return text


def _choose_encoder() -> Callable[[Any], bytes]:
    """Imports orjson when it is first needed: it would cost every start some milliseconds."""
    global _encode_untyped  # noqa: PLW0603
    try:
        import orjson
    except ImportError:
        _encode_untyped = _encode_with_msgspec
        return _encode_with_msgspec

    def encode_with_orjson(value: object) -> bytes:
        try:
            return orjson.dumps(value, option=orjson.OPT_UTC_Z)
        except TypeError:
            # What only msgspec knows: Structs, Raw, Decimal, sets, keys that are no strings.
            return _encode_with_msgspec(value)

    _encode_untyped = encode_with_orjson
    return encode_with_orjson


def _encode_with_msgspec(value: object) -> bytes:
    return validated(encode(value))
