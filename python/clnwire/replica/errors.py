"""Why a replica cannot follow, or cannot be read."""

from __future__ import annotations

from clnwire.errors import ClnwireError


class ReplicaError(ClnwireError):
    """The replica cannot follow the node, or cannot be read; the message says what to do."""


class UnavailableError(ReplicaError):
    """The engine cannot be reached, or has not said whether it stored a write. Retry."""


class RefusedError(ReplicaError):
    """The engine cannot be used as it is set up. Retrying is of no use."""


class FencedError(ReplicaError):
    """Another instance has taken over, so this node must not commit."""
