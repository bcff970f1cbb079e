"""Why a plugin is not measured."""

from __future__ import annotations

from clnwire.errors import ClnwireError


class BenchError(ClnwireError):
    """What was asked for makes no sense for this plugin; the message says what to do instead."""
