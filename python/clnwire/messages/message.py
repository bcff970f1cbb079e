"""`message`: something for the caller of a method that is running. `Request.notify` sends it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Raw

from clnwire._wire.levels import ACCEPTED
from clnwire._wire.structs import Event
from clnwire.types import Known


class Message(Event, frozen=True):
    """The params. It reaches callers that asked for such messages."""

    id: Raw
    """The request's id, exactly as it came."""
    level: Annotated[str, Known(ACCEPTED)]
    """How bad it is."""
    message: str
    """The text."""
