"""Messages in another form than today's daemon sends them.

A message is decoded as today's daemon sends it. Only if that fails, it is decoded once more: it may
hold what msgspec does not take (`clnwire._wire.tolerant`), or use an older daemon's spelling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def event_decoder(kind: Any, older: Callable[[Any], None] | None = None) -> Callable[[bytes], Any]:
    """From JSON to the type `kind`, whatever it holds.

    `older` changes what an older daemon said, decoded, to today's spelling; amounts follow.
    Without one the message has always had the form it has.
    """
    decode = msgspec.json.Decoder(kind).decode

    def decode_any(text: bytes) -> Any:
        try:
            return decode(text)
        except (msgspec.MsgspecError, RecursionError) as error:
            return _decode_again(text, kind, older, error)

    return decode_any


def _decode_again(
    text: bytes, kind: Any, older: Callable[[Any], None] | None, problem: Exception
) -> Any:
    """Raises `msgspec.ValidationError` for a message in no form that is known."""
    from clnwire._wire import tolerant

    event = tolerant.loads(text)
    try:
        return tolerant.convert(event, kind)
    except msgspec.ValidationError as error:
        if older is None:
            raise error from problem
        return _decode_older(event, kind, older, error)


def _decode_older(
    event: Any, kind: Any, older: Callable[[Any], None], problem: msgspec.ValidationError
) -> Any:
    """Raises `problem`, which speaks of today's form, if it is no earlier one either."""
    try:
        older(event)
        return with_amounts(event, kind)
    except (msgspec.ValidationError, AttributeError, KeyError, TypeError, ValueError):
        raise problem from None


def with_amounts(value: Any, kind: Any) -> Any:
    """The Struct `kind` of what was decoded from JSON. Raises `msgspec.ValidationError`.

    Until v23.11 amounts were strings (`"10000msat"`): they are taken where a number is expected.
    """
    from msgspec import inspect

    from clnwire._wire import tolerant

    return tolerant.convert(_amounts_to_numbers(value, inspect.type_info(kind), inspect), kind)


def _amounts_to_numbers(value: object, expected: Any, inspect: Any) -> object:
    """Spells amounts as today, where the type that `expected` describes has a number."""
    kinds = list(_alternatives(expected, inspect))
    if isinstance(value, str):
        is_number = any(isinstance(kind, inspect.IntType) for kind in kinds)
        is_amount = value.endswith("msat") and value[:-4].isdecimal()
        is_text = any(isinstance(kind, (inspect.StrType, inspect.AnyType)) for kind in kinds)
        return int(value[:-4]) if is_number and is_amount and not is_text else value
    if isinstance(value, list):
        items = cast("list[object]", value)
        item_types = [kind.item_type for kind in kinds if isinstance(kind, inspect.ListType)]
        if not item_types:
            return items
        return [_amounts_to_numbers(each, item_types[0], inspect) for each in items]
    if isinstance(value, dict):
        return _in_object(cast("dict[str, object]", value), kinds, inspect)
    return value


def _in_object(members: dict[str, object], kinds: list[Any], inspect: Any) -> dict[str, object]:
    for kind in kinds:
        if isinstance(kind, inspect.DictType):
            known = dict.fromkeys(members, kind.value_type)
        elif isinstance(kind, inspect.StructType):
            known = {field.encode_name: field.type for field in kind.fields}
        else:
            continue
        return {
            key: _amounts_to_numbers(each, known[key], inspect) if key in known else each
            for key, each in members.items()
        }
    return members


def _alternatives(expected: Any, inspect: Any) -> Iterator[Any]:
    """The types that a type may be, without what is said about them."""
    if isinstance(expected, inspect.Metadata):
        yield from _alternatives(expected.type, inspect)
    elif isinstance(expected, inspect.UnionType):
        for kind in expected.types:
            yield from _alternatives(kind, inspect)
    else:
        yield expected


def only_amounts(event: Any) -> None:
    """For messages of which only the amounts have been spelled in another way."""


def rename(event: dict[str, Any], **names: str) -> None:
    """Gives members of earlier names (the keys) those of today, where today's are not there."""
    for old, new in names.items():
        if old in event:
            event.setdefault(new, event[old])
