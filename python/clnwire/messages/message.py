"""`message`: a text for the caller of a running method. `Request.notify` sends it."""

from typing import Annotated

from msgspec import Raw

from clnwire._wire.levels import ACCEPTED
from clnwire._wire.structs import Event
from clnwire.types import Known


class Message(Event, frozen=True):
    """The params. Callers get it if they enabled notifications."""

    id: Raw
    """The id of the method's request, exactly as received."""
    level: Annotated[str, Known(ACCEPTED)]
    """The text's level, as in `log`."""
    message: str
    """The text."""
