"""Applies the filters of a hook to an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clnwire import _core
from clnwire.host.rules.decoding import UndecodableError, as_object, decoded
from clnwire.host.rules.samples import hook_sample

if TYPE_CHECKING:
    from clnwire.host.rules.manifest import HostHook


def wants(hook: HostHook, event: bytes) -> bool:
    """Whether the hook's filters pass the event. A malformed event passes."""
    try:
        if hook.name == "rpc_command":
            return _method(event) in hook.filters
        members = as_object(decoded(event)) or {}
        # The first two bytes of a peer message are its type.
        return int(members["payload"][:4], 16) in hook.filters
    except (KeyError, TypeError, ValueError, UndecodableError):
        return True


def sample_that_passes(hook: HostHook, dialect: str = "current") -> dict[str, Any]:
    """A plausible event that the hook's filters pass. Raises `LookupError` without a sample."""
    event = hook_sample(hook.name, dialect)
    if hook.filters and hook.name == "rpc_command":
        event["rpc_command"]["method"] = hook.filters[0]
    elif hook.filters:
        event["payload"] = f"{hook.filters[0]:04x}" + event["payload"][4:]
    return event


def _method(event: bytes) -> object:
    """The method that the daemon runs. It uses the first of duplicate members."""
    request = dict(reversed(_core.members(event)))["rpc_command"]
    return decoded(dict(reversed(_core.members(request)))["method"])
