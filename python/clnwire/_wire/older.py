"""Decoding of messages that do not have the form of today's daemon.

A message is first decoded in today's form. Only if that fails, it is decoded again: it may contain
JSON that msgspec refuses (`clnwire._wire.tolerant`), or be spelled as by an older daemon.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec

from clnwire._wire.codec import UNDECODABLE


def event_decoder(
    kind: Any, upgrade: Callable[[Any], None] | None = None
) -> Callable[[bytes], Any]:
    """A decoder from JSON text to `kind` that also accepts older daemons' spellings.

    `upgrade` changes a decoded message of an older daemon, in place, to today's spelling; amounts
    are converted afterwards. `None` means that the message has never had another form. The decoder
    raises `msgspec.ValidationError`.
    """
    decode = msgspec.json.Decoder(kind).decode

    def decode_any(text: bytes) -> Any:
        try:
            return decode(text)
        except UNDECODABLE as error:
            return _decode_again(text, kind, upgrade, error)

    return decode_any


def _decode_again(
    text: bytes, kind: Any, upgrade: Callable[[Any], None] | None, problem: Exception
) -> Any:
    """Raises `msgspec.ValidationError` for a message that has none of the known forms."""
    from clnwire._wire import tolerant

    event = tolerant.loads(text)
    try:
        return tolerant.convert(event, kind)
    except msgspec.ValidationError as error:
        if upgrade is None:
            raise error from problem
        present = error
    try:
        upgrade(event)
        return with_amounts(event, kind)
    except (msgspec.ValidationError, AttributeError, KeyError, TypeError, ValueError):
        # The error about today's form says more than one about an older form.
        raise present from None


def with_amounts(value: Any, kind: Any) -> Any:
    """Converts a decoded JSON value to `kind`. Raises `msgspec.ValidationError`. Accepts amounts as
    strings (`"10000msat"`) where a number is expected: daemons before v23.11 send them."""
    from msgspec import inspect

    from clnwire._wire import tolerant

    return tolerant.convert(_amounts_to_numbers(value, inspect.type_info(kind), inspect), kind)


def _amounts_to_numbers(value: object, expected: Any, inspect: Any) -> object:
    """Replaces amounts that are strings by numbers of msat where `expected` has a number."""
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
    """The members of a union, without their metadata; any other type gives itself."""
    if isinstance(expected, inspect.Metadata):
        yield from _alternatives(expected.type, inspect)
    elif isinstance(expected, inspect.UnionType):
        for kind in expected.types:
            yield from _alternatives(kind, inspect)
    else:
        yield expected


def older_form(
    *path: str, absent: dict[str, Any] | None = None, **names: str
) -> Callable[[Any], None]:
    """An `upgrade` that renames members, and adds those that older daemons do not send (`absent`).

    It changes the object at `path` in the message. `names` are as for `rename`: v0.12.0 renamed all
    amounts. Without arguments, only the form of amounts differs.
    """

    def upgrade(event: Any) -> None:
        for name in path:
            event = event[name]
        rename(event, **names)
        for name, value in (absent or {}).items():
            event.setdefault(name, value)

    return upgrade


def rename(event: dict[str, Any], **names: str) -> None:
    """Copies members from older names (the keys) to today's (the values), unless those exist."""
    for old, new in names.items():
        if old in event:
            event.setdefault(new, event[old])
