"""Which events a hook's filters let through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from clnwire.host.shapes import UndecodableError, as_object, decoded

if TYPE_CHECKING:
    from clnwire.host.manifest import Hook


def wants(hook: Hook, payload: object) -> bool:
    """Whether a hook that has filters wants this event; one that cannot be judged is wanted."""
    try:
        members = as_object(_decoded(payload)) or {}
        if hook.name == "rpc_command":
            return members["rpc_command"]["method"] in hook.filters
        # The first two bytes of a message are its number.
        return int(members["payload"][:4], 16) in hook.filters
    except (KeyError, TypeError, ValueError, UndecodableError):
        return True


def _decoded(payload: object) -> object:
    if isinstance(payload, (bytes, msgspec.Raw)):
        return decoded(bytes(payload))
    return msgspec.to_builtins(payload)
