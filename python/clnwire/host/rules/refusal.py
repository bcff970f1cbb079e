"""The requests on the socket that lightningd refuses before it looks up the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from clnwire._wire import tolerant

if TYPE_CHECKING:
    from clnwire._core import Frame
    from clnwire.host.rules.dialect import HostDialect

_VERSION: Final = b'"2.0"'


class Refusal(Struct, frozen=True):
    """The error sent to the caller."""

    message: str
    token: bytes = b"null"
    """The JSON text of the error's id: the request's id if lightningd has already parsed it."""
    hangs_up: bool = False
    """Whether the connection is closed after the error."""


def refusal(frame: Frame, dialect: HostDialect) -> Refusal | None:
    """Why a request is refused; `None` if it is not. Old dialects do not require `jsonrpc`."""
    token = frame.id
    if dialect.is_current and frame.jsonrpc is None:
        text = frame.bytes.decode(errors="replace")
        message = f"JSON-RPC message does not contain \"jsonrpc\" field: '{text}'"
        return Refusal(message, hangs_up=True)
    if not frame.bytes.startswith(b"{"):
        return Refusal("Expected {} for json command")
    if token is None:
        return Refusal("No id")
    if token.startswith((b"{", b"[")):
        return Refusal("Expected string/primitive for id")
    if dialect.is_current and frame.jsonrpc != _VERSION:
        return Refusal('jsonrpc: "2.0" must be specified in the request')
    if frame.method is not None and frame.params is not None:
        return None
    return Refusal(_incomplete(frame), token)


def _incomplete(frame: Frame) -> str:
    if all(name != b'"method"' for name, _ in tolerant.members(frame.bytes)):
        return "No method"
    return "No params" if frame.params is None else "Expected string for method"
