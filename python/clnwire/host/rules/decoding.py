"""Decodes JSON, narrows decoded values, shows them in messages, and joins members again."""

from collections.abc import Iterable
from typing import Any, cast

from clnwire._wire import tolerant
from clnwire._wire.codec import encode
from clnwire.host.errors import HostError


class UndecodableError(HostError):
    """Text that is not JSON."""


def decoded(text: bytes) -> object:
    """The value of a JSON text. Raises `UndecodableError`."""
    try:
        return tolerant.loads(text)
    except (ValueError, RecursionError) as error:
        shown = text[:60].decode("utf-8", "replace")
        raise UndecodableError(f"cannot be decoded: {error}: {shown}") from None


def as_object(value: object) -> dict[str, Any] | None:
    """The value if it is a JSON object, else `None`."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def as_array(value: object) -> list[Any] | None:
    """The value as a list if it is a JSON array or a tuple, else `None`."""
    return list(cast("list[Any]", value)) if isinstance(value, (list, tuple)) else None


def object_text(members: Iterable[tuple[str, bytes]]) -> bytes:
    """The JSON text of an object, from its members' names and texts."""
    return b"{%s}" % b",".join(encode(name) + b":" + text for name, text in members)


def shown(value: object, limit: int = 200) -> str:
    """A value as JSON, or JSON text as it is, cut to `limit` characters."""
    text = (value if isinstance(value, bytes) else encode(value)).decode("utf-8", "replace")
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
