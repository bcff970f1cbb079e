"""Messages in another form than today's daemon sends them.

A message is decoded as today's daemon sends it. Only if that fails it is looked at once more: it
may hold what msgspec does not take (`clnwire.tolerant`), or be spelled as an older daemon did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable


def event_decoder(kind: Any, older: Callable[[Any], None] | None = None) -> Callable[[bytes], Any]:
    """From JSON to the type `kind`, whatever it holds.

    `older` changes what an older daemon said, decoded, to today's spelling; amounts are so already.
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
    """Raises `problem`, or what is wrong with the message besides."""
    from clnwire import tolerant

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
    from clnwire import tolerant

    try:
        event = _amounts_to_numbers(event)
        older(event)
        return tolerant.convert(event, kind)
    except (msgspec.ValidationError, AttributeError, KeyError, TypeError, ValueError):
        raise problem from None


def _amounts_to_numbers(value: Any) -> Any:
    """Spells amounts as today. Until v23.11 they were strings: `"10000msat"`."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {key: _amounts_to_numbers(each) for key, each in members.items()}
    if isinstance(value, (list, tuple)):
        return [_amounts_to_numbers(each) for each in cast("list[Any]", value)]
    if isinstance(value, str) and value.endswith("msat") and value[:-4].isdecimal():
        return int(value[:-4])
    return value


def only_amounts(event: Any) -> None:
    """For messages of which only the amounts have been spelled in another way."""


def rename(event: dict[str, Any], **names: str) -> None:
    """Gives members of earlier names (the keys) those of today, where today's are not there."""
    for old, new in names.items():
        if old in event:
            event.setdefault(new, event[old])
