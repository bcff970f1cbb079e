"""The commands of the host of `clnwire run` that `clnwire fire` and `clnwire hook` call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import UNSET

from clnwire._wire.nearest import did_you_mean
from clnwire.error_codes import INVALID_PARAMS
from clnwire.errors import RpcError
from clnwire.host import HostError
from clnwire.host.rules.samples import hook_sample, topic_sample
from clnwire.notifications._catalogue import NATIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clnwire.cli._version import DataVersion
    from clnwire.host import Host

FIRE: Final = "clnwire-fire"
HOOK: Final = "clnwire-hook"
ORIGIN: Final = "clnwire"
"""The publisher of a custom topic."""


def register(host: Host, dialect: str, version: DataVersion) -> None:
    """Adds the commands; plugins can then no longer register methods of these names."""
    on_demand = _OnDemand(host, dialect, version)
    host.command(FIRE)(on_demand.fire)
    host.command(HOOK)(on_demand.hook)


class _OnDemand:
    def __init__(self, host: Host, dialect: str, version: DataVersion) -> None:
        self._host, self._dialect, self._version = host, dialect, version

    def fire(self, params: Any) -> object:
        """The params are `topic` and `payload`; without `payload` a sample is sent."""
        topic, payload = _members(params, "topic")
        if payload is UNSET:
            payload = _sample(topic_sample, topic, self._dialect)
        origin = None if topic in NATIVE else ORIGIN
        times = self._host.notify(topic, payload, origin=origin)
        if not times:
            raise RpcError(INVALID_PARAMS, self._unheard(topic))
        return {"topic": topic, "payload": payload, "sent": times}

    def _unheard(self, topic: str) -> str:
        heard = sorted({t for each in self._host.plugins for t in each.manifest.subscriptions})
        listed = f"; the plugins subscribe to {', '.join(heard)}" if heard else ""
        hint = did_you_mean(topic, heard) or listed or "; subscribe to it and restart the plugin"
        return f"no plugin has subscribed to '{topic}'{hint}"

    async def hook(self, params: Any) -> object:
        """The params are `hook` and `payload`; without `payload` a sample is sent."""
        name, payload = _members(params, "hook")
        try:
            if name == "db_write" and payload is UNSET:
                return await self._write()
            if payload is UNSET:
                payload = _sample(hook_sample, name, self._dialect)
            return await self._host.hook(name, payload)
        except HostError as error:
            raise RpcError(INVALID_PARAMS, str(error)) from None

    async def _write(self) -> object:
        """Sends the sample with the host's next version."""
        writes = hook_sample("db_write")["writes"]
        version = await self._host.db_write(writes)
        self._version.commit(version)
        return {"result": "continue", "data_version": version}


def _members(params: Any, key: str) -> tuple[str, object]:
    members = cast("Mapping[str, object]", params if isinstance(params, dict) else {})
    name = members.get(key)
    if not isinstance(name, str):
        raise RpcError(INVALID_PARAMS, f"{key}: must be a string")
    return name, members.get("payload", UNSET)


def _sample(find: Any, name: str, dialect: str) -> object:
    try:
        return find(name, dialect)
    except LookupError as error:
        raise RpcError(INVALID_PARAMS, str(error)) from None
