"""Decodes JSON and narrows decoded values to objects and arrays."""

from __future__ import annotations

from typing import Any, cast

from clnwire._wire import tolerant
from clnwire.host.errors import HostError


class UndecodableError(HostError):
    """Text that is not JSON."""


def decoded(text: bytes) -> object:
    """The value of a JSON text. Raises `UndecodableError`."""
    try:
        return tolerant.loads(text)
    except ValueError as error:
        shown = text[:60].decode("utf-8", "replace")
        raise UndecodableError(f"cannot be decoded: {error}: {shown}") from None


def as_object(value: object) -> dict[str, Any] | None:
    """The value if it is a JSON object, else `None`."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def as_array(value: object) -> list[Any] | None:
    """The value as a list if it is a JSON array or a tuple, else `None`."""
    return list(cast("list[Any]", value)) if isinstance(value, (list, tuple)) else None
