"""Which events a hook's filters let through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from clnwire import _core
from clnwire.host.rules.decoding import UndecodableError, as_object, decoded
from clnwire.host.rules.samples import hook_sample

if TYPE_CHECKING:
    from clnwire.host.rules.manifest import HostHook


def wants(hook: HostHook, payload: object) -> bool:
    """Whether the hook's filters let the event through; an event that cannot be read passes."""
    try:
        if hook.name == "rpc_command":
            return _method(_encoded(payload)) in hook.filters
        members = as_object(_decoded(payload)) or {}
        # The first two bytes of a message are its number.
        return int(members["payload"][:4], 16) in hook.filters
    except (KeyError, TypeError, ValueError, UndecodableError):
        return True


def sample_that_passes(hook: HostHook, dialect: str = "current") -> dict[str, Any]:
    """A plausible event that the hook's filters let through. Raises `LookupError`."""
    event = hook_sample(hook.name, dialect)
    if hook.filters and hook.name == "rpc_command":
        event["rpc_command"]["method"] = hook.filters[0]
    elif hook.filters:
        event["payload"] = f"{hook.filters[0]:04x}" + event["payload"][4:]
    return event


def _method(event: bytes) -> object:
    """What is run: of a doubled member the first counts."""
    request = dict(reversed(_core.members(event)))["rpc_command"]
    return decoded(dict(reversed(_core.members(request)))["method"])


def _encoded(payload: object) -> bytes:
    if isinstance(payload, (bytes, msgspec.Raw)):
        return bytes(payload)
    return msgspec.json.encode(payload)


def _decoded(payload: object) -> object:
    if isinstance(payload, (bytes, msgspec.Raw)):
        return decoded(bytes(payload))
    return msgspec.to_builtins(payload)
