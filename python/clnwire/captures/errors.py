"""What can be wrong with a capture."""

from __future__ import annotations

from clnwire.host.errors import HostError


class CaptureError(HostError):
    """The capture cannot be read or written; the message names the file and the line."""
