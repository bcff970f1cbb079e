"""What can be wrong with a capture."""

from __future__ import annotations

from clnwire.errors import ClnwireError


class CaptureError(ClnwireError):
    """The capture cannot be read or written; the message names the file and the line."""
