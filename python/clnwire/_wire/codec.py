"""Encoding of Python values as JSON, and decoding of JSON that msgspec may refuse."""

import os
from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any, Final, cast

import msgspec

from clnwire import _core
from clnwire.errors import NotAwaitedError, unawaited

UNDECODABLE: Final = (msgspec.MsgspecError, RecursionError)
"""What msgspec raises for a text. That it is nested too deeply is none of msgspec's own errors."""
_NO_TEXT: Final = (bytes, bytearray, memoryview)
_CONVERSIONS: Final = ("model_dump", "dict", "to_dict", "asdict", "_asdict", "tolist", "__iter__")
"""Methods by which objects of common libraries convert themselves to plain values, in order of
preference; they are named in error messages."""

_decode_raw: Final = msgspec.json.Decoder(list[msgspec.Raw] | dict[str, msgspec.Raw]).decode
_encode_untyped: Callable[[Any], bytes] | None = None


def encode_any(value: object) -> bytes:
    """Encodes a value of the plugin's author as JSON.

    `msgspec.Raw`, and `bytes` as the whole value, are taken as JSON text and validated: lightningd
    kills a plugin that sends malformed JSON. Plain dicts and lists are encoded with orjson if it
    is installed; it is never slower than msgspec, and from 3 kB on takes 50 to 80 % of its time
    (`benches/test_messages.py`). Raises `TypeError` or `ValueError` for what JSON cannot express.
    """
    if isinstance(value, (dict, list)):
        return (_encode_untyped or _choose_encoder())(value)
    if isinstance(value, (bytes, msgspec.Raw)):
        return validated(bytes(value))
    return _encode_checked(value)


def encode(value: object) -> bytes:
    """Encodes a value of clnwire's own types as JSON, without the checks of `encode_any`."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode_checked(value)


def validated(text: bytes) -> bytes:
    """Returns JSON text unchanged. Raises `MalformedError` (a `ValueError`) if it is malformed."""
    _core.validate(text)
    return text


def decode(text: bytes, kind: Any, *, strict: bool = True) -> Any:
    """Like `msgspec.json.decode`, also for valid JSON that msgspec refuses. Raises
    `msgspec.ValidationError` if the value does not fit."""
    try:
        return msgspec.json.decode(text, type=kind, strict=strict)
    except UNDECODABLE:
        from clnwire._wire import tolerant

        return tolerant.decode(text, kind, strict=strict)


def split(
    text: bytes, *, is_shallow: bool = False, deepest: int | None = None
) -> list[bytes] | dict[str, bytes]:
    """The JSON texts of an array's items, or of an object's members.

    Raises `RecursionError` for what has to be shallow and is nested deeper than msgspec decodes:
    whoever splits level by level would go through it a thousand times. For the same reason text
    that msgspec refuses, which takes long to split, must not be nested deeper than `deepest`.
    """
    try:
        given: Any = _decode_raw(text)
    except UNDECODABLE as error:
        if is_shallow and isinstance(error, RecursionError):
            raise
        from clnwire._wire import tolerant

        if text[:1] == b"[":
            return tolerant.items(text, deepest)
        return {tolerant.loads(name): value for name, value in tolerant.members(text, deepest)}
    if isinstance(given, list):
        return [bytes(value) for value in cast("list[msgspec.Raw]", given)]
    return {name: bytes(value) for name, value in given.items()}


def is_finite(value: object) -> bool:
    """Whether the value contains no infinity and no NaN."""
    floats = (leaf for _, leaf in _leaves(_to_builtins(value)) if isinstance(leaf, float))
    return all(map(isfinite, floats))


def _choose_encoder() -> Callable[[Any], bytes]:
    """Chooses the encoder of plain dicts and lists on first use: importing orjson takes some
    milliseconds, which a plugin's start does not pay."""
    global _encode_untyped  # noqa: PLW0603
    try:
        import orjson
    except ImportError:
        _encode_untyped = _encode_checked
        return _encode_checked

    # Types that orjson and msgspec encode differently raise TypeError and go to msgspec.
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
        # orjson writes NaN and infinity as null.
        if b"null" in text and not _core.is_json(value):
            return _encode_checked(value)
        return text

    _encode_untyped = encode_with_orjson
    return encode_with_orjson


def _encode_checked(value: object) -> bytes:
    """Encodes with msgspec. Refuses NaN and bytes, which msgspec writes as null and base64."""
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
    """msgspec's `enc_hook`: converts a value of unknown type. Raises `TypeError` if it cannot."""
    if value is None or isinstance(value, (bool, tuple)):
        raise TypeError(f"{value!r} cannot be a key of a JSON object: use a str")
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
        f"an object of type {kind.__name__} cannot be sent as JSON: use {_conversion(kind)}"
    )


def _conversion(kind: type[object]) -> str:
    """The expression to suggest in place of an object of this type."""
    way = next((name for name in _CONVERSIONS if hasattr(kind, name)), None)
    if way is None:
        return "a dict of its members"
    return "list(…)" if way == "__iter__" else f".{way}()"


_encode: Final = msgspec.json.Encoder(enc_hook=_builtin).encode


def _to_builtins(value: object) -> object:
    """The value as dicts, lists and tuples of scalars."""
    return msgspec.to_builtins(value, builtin_types=(*_NO_TEXT, msgspec.Raw), enc_hook=_builtin)


def _leaves(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Each scalar in the value, dict keys included, with its place (`a.b[0]`)."""
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
        raise ValueError(f"{where}{leaf} is not a JSON number: use None or a str")
    if isinstance(leaf, _NO_TEXT):
        kind = "bytes" if isinstance(leaf, bytes) else "bytearray and memoryview"
        raise TypeError(f"{where}{kind} cannot be sent as JSON: use .hex(), or msgspec.Raw")


def _escaped(value: object) -> str:
    """JSON text in ASCII: a lone surrogate has an escape (`\\udcff`), but no form in UTF-8."""
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
