"""Python values to JSON, by the rule of `docs/plugin.md`."""

from __future__ import annotations

import os
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from clnwire import _core
from clnwire.errors import NotAwaitedError, unawaited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NO_TEXT: Final = (bytes, bytearray, memoryview)
_CONVERSIONS: Final = ("model_dump", "dict", "to_dict", "asdict", "_asdict", "tolist", "__iter__")
"""Methods that give what can be sent, in the libraries that are used most."""

_encode_untyped: Callable[[Any], bytes] | None = None


def encode_any(value: object) -> bytes:
    """What a plugin's author gave to JSON.

    `msgspec.Raw`, and `bytes` if they are the whole value, are taken as JSON and checked, since a
    malformed reply would make the daemon kill the plugin. Plain dicts and lists go through orjson
    if it is installed: it is never slower, and takes half to four fifths of the time from 3 kB on
    (`benches/test_messages.py`). Raises `TypeError` or `ValueError` for what is no JSON.
    """
    if isinstance(value, (dict, list)):
        return (_encode_untyped or _choose_encoder())(value)
    if isinstance(value, (bytes, msgspec.Raw)):
        return validated(bytes(value))
    return _encode_checked(value)


def encode(value: object) -> bytes:
    """A typed value (a Struct, or what msgspec knows) of clnwire's own to JSON."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode_checked(value)


def validated(text: bytes) -> bytes:
    """JSON text that somebody else wrote. Raises `MalformedError` (a `ValueError`)."""
    _core.validate(text)
    return text


def is_finite(value: object) -> bool:
    """Whether no float in it is infinite or NaN."""
    floats = (leaf for _, leaf in _leaves(_to_builtins(value)) if isinstance(leaf, float))
    return all(map(isfinite, floats))


def _choose_encoder() -> Callable[[Any], bytes]:
    """Imports orjson when it is first needed: it would cost every start some milliseconds."""
    global _encode_untyped  # noqa: PLW0603
    try:
        import orjson
    except ImportError:
        _encode_untyped = _encode_checked
        return _encode_checked

    # What the two do not do alike is left to msgspec.
    options = (
        orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )

    def encode_with_orjson(value: object) -> bytes:
        try:
            text = orjson.dumps(value, option=options)
        except TypeError:
            return _encode_checked(value)
        # NaN comes out as null.
        if b"null" in text and not _core.is_json(value):
            return _encode_checked(value)
        return text

    _encode_untyped = encode_with_orjson
    return encode_with_orjson


def _encode_checked(value: object) -> bytes:
    """With msgspec, but refuses NaN and bytes, which it would write as null and base64."""
    text: bytes | None = None
    try:
        text = _encode(value)
        if _core.is_json(value):
            return text
    except UnicodeEncodeError:
        pass
    plain = _to_builtins(value)
    for place, leaf in _leaves(plain):
        _check_leaf(place, leaf)
    return validated(_escaped(plain).encode() if text is None else text)


def _builtin(value: Any) -> object:
    """For what msgspec does not know: something that it does. Raises `TypeError`."""
    if value is None or isinstance(value, (bool, tuple)):
        raise TypeError(f"{value!r} cannot be the name of a member in JSON: give a text")
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, os.PathLike):
        return os.fspath(cast("os.PathLike[str]", value))
    kind = cast("type[object]", type(value))
    if hasattr(kind, "model_dump"):
        return value.model_dump(mode="json")
    if (what := unawaited(value)) is not None:
        raise NotAwaitedError(f"{what}: `await` is missing")
    raise TypeError(
        f"an object of type {kind.__name__} cannot be sent as JSON: give {_conversion(kind)}"
    )


def _conversion(kind: type[object]) -> str:
    """What an author can give in place of an object of this type."""
    way = next((name for name in _CONVERSIONS if hasattr(kind, name)), None)
    if way is None:
        return "a dict of what it holds"
    return "list(…)" if way == "__iter__" else f".{way}()"


_encode: Final = msgspec.json.Encoder(enc_hook=_builtin).encode


def _to_builtins(value: object) -> object:
    """Dicts, lists and tuples, and in them only what is sent as one value."""
    return msgspec.to_builtins(value, builtin_types=(*_NO_TEXT, msgspec.Raw), enc_hook=_builtin)


def _leaves(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """All that is no dict, list or tuple, keys included, and where it stands."""
    if isinstance(value, dict):
        for name, member in cast("dict[object, object]", value).items():
            yield place, name
            yield from _leaves(member, f"{place}.{name}" if place else str(name))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(cast("list[object]", value)):
            yield from _leaves(item, f"{place}[{number}]")
    else:
        yield place, value


def _check_leaf(place: str, leaf: object) -> None:
    where = f"{place}: " if place else ""
    if isinstance(leaf, float) and not isfinite(leaf):
        raise ValueError(f"{where}{leaf} is no number in JSON: give None, or a text")
    if isinstance(leaf, _NO_TEXT):
        kind = "bytes" if isinstance(leaf, bytes) else "bytearray and memoryview"
        raise TypeError(f"{where}{kind} are no JSON: give .hex(), or msgspec.Raw if they are")


def _escaped(value: object) -> str:
    """JSON text with escapes, which can spell half a surrogate pair; UTF-8 cannot."""
    if isinstance(value, dict):
        members = cast("dict[object, object]", value).items()
        texts = ",".join(f"{_name(name)}:{_escaped(each)}" for name, each in members)
        return f"{{{texts}}}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_escaped, cast('list[object]', value)))}]"
    if isinstance(value, str):
        from json import dumps

        return dumps(value)
    return _encode(value).decode()


def _name(name: object) -> str:
    return _escaped(name if isinstance(name, str) else _encode(name).decode())
