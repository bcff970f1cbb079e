"""Why a plugin is not measured."""

from __future__ import annotations

from clnwire.errors import ClnwireError


class BenchError(ClnwireError):
    """The request makes no sense for this plugin; the message says what to do instead."""
