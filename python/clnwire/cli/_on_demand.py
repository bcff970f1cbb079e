"""Two commands that `clnwire run` adds to its host, for `clnwire fire` and `clnwire hook`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import UNSET

from clnwire.error_codes import INVALID_PARAMS
from clnwire.errors import RpcError
from clnwire.host import HostError
from clnwire.host.rules.names import TOPICS
from clnwire.host.rules.samples import hook_sample, topic_sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clnwire.cli._version import DataVersion
    from clnwire.host import Host

FIRE: Final = "clnwire-fire"
HOOK: Final = "clnwire-hook"
ORIGIN: Final = "clnwire"
"""Who a custom topic is from."""


def register(host: Host, dialect: str, version: DataVersion) -> None:
    """Adds the commands; plugins can then no longer register methods of these names."""
    on_demand = _OnDemand(host, dialect, version)
    host.command(FIRE)(on_demand.fire)
    host.command(HOOK)(on_demand.hook)


class _OnDemand:
    def __init__(self, host: Host, dialect: str, version: DataVersion) -> None:
        self._host, self._dialect, self._version = host, dialect, version

    def fire(self, params: Any) -> object:
        """`topic`, and `payload` unless a sample will do."""
        topic, payload = _members(params, "topic")
        if payload is UNSET:
            payload = _sample(topic_sample, topic, self._dialect)
        origin = None if topic in TOPICS else ORIGIN
        times = self._host.notify(topic, payload, origin=origin)
        return {"topic": topic, "payload": payload, "sent": times}

    async def hook(self, params: Any) -> object:
        """`hook`, and `payload` unless a sample will do."""
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
        """Sends the sample with the next version: its own could be lower than one sent before."""
        writes = hook_sample("db_write")["writes"]
        version = await self._host.db_write(writes, data_version=self._version.next())
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
