"""A hook's chain: its order, the filters, when it continues, and how events and answers change."""

from __future__ import annotations

import graphlib
import heapq
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from clnwire import _core
from clnwire._wire.codec import encode
from clnwire.host.rules.decoding import UndecodableError, as_object, decoded

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.rules.manifest import HostHook

CONTINUE: Final[Mapping[str, str]] = {"result": "continue"}

_FIRST_COUNTS: Final = frozenset(("openchannel", "openchannel2", "rbf_channel"))
"""Hooks where a later plugin cannot change what an earlier one has set."""
_PSBT: Final = frozenset(("openchannel2_changed", "openchannel2_sign"))


class CycleError(Exception):
    """The plugins' `before` and `after` constraints contain a cycle."""

    def __init__(self, plugins: list[Plugin]) -> None:
        """`plugins` is the cycle: each must come before the next one, the last before the first."""
        self.plugins = plugins
        names = [plugin.name for plugin in plugins]
        super().__init__(" before ".join([*names, names[0]]))


def ordered(hook: str, plugins: Sequence[Plugin]) -> list[Plugin]:
    """The plugins in the order of the chain; unknown names are ignored. Raises `CycleError`."""
    sorter = graphlib.TopologicalSorter(_constraints(hook, plugins))
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        raise CycleError(error.args[1][:-1]) from None
    places = {plugin: place for place, plugin in enumerate(plugins)}
    done: list[Plugin] = []
    free: list[int] = []
    while sorter:
        for plugin in sorter.get_ready():
            heapq.heappush(free, places[plugin])
        done.append(plugins[heapq.heappop(free)])
        sorter.done(done[-1])
    return done


def named(path: Path, name: str) -> bool:
    """Whether `name` is a plugin's path or ends it after a `/`."""
    return name in _names(path)


def _names(path: Path) -> set[str]:
    """The path, and what follows each of its slashes."""
    text = str(path)
    return {text, *(text[place + 1 :] for place, mark in enumerate(text) if mark == "/")}


def _constraints(hook: str, plugins: Sequence[Plugin]) -> dict[Plugin, set[Plugin]]:
    """For each plugin, the plugins that must come before it."""
    earlier: dict[Plugin, set[Plugin]] = {plugin: set() for plugin in plugins}
    called: dict[str, list[Plugin]] = {}
    for plugin in plugins:
        for name in _names(plugin.path):
            called.setdefault(name, []).append(plugin)
    for plugin in plugins:
        registered: HostHook = plugin.manifest.hooks[hook]
        for name in registered.before:
            for other in called.get(name, ()):
                earlier[other].add(plugin)
        for name in registered.after:
            earlier[plugin].update(called.get(name, ()))
    return earlier


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


def _method(event: bytes) -> object:
    """The method that the daemon runs. It uses the first of duplicate members."""
    request = dict(reversed(_core.members(event)))["rpc_command"]
    return decoded(dict(reversed(_core.members(request)))["method"])


def should_continue(hook: str, answer: object) -> bool:
    """Whether the daemon calls the next plugin after this answer."""
    if hook in ("commitment_revocation", "rpc_command"):
        return True
    return (as_object(answer) or {}).get("result") == "continue"


def decides_call(answer: object) -> bool:
    """Whether an answer to `rpc_command` replaces the call or its reply."""
    members = as_object(answer) or {}
    return "result" not in members and ("replace" in members or "return" in members)


def merge(hook: str, earlier: object, answer: object) -> Any:
    """Merges the answers of plugins that all continued the chain."""
    if hook == "rpc_command":
        return earlier if decides_call(earlier) else answer
    old, new = as_object(earlier), as_object(answer)
    if old is None or new is None:
        return answer
    return {**new, **old} if hook in _FIRST_COUNTS else {**old, **new}


def next_event(hook: str, event: bytes, answer: object) -> bytes:
    """The event for the next plugin, with the changes of this answer."""
    members = as_object(answer) or {}
    if hook == "htlc_accepted" and "payload" in members:
        return _with(event, "onion", "payload", _prefixed(members["payload"]))
    if hook in _PSBT and "psbt" in members:
        return _with(event, hook, "psbt", members["psbt"])
    return event


def _with(event: bytes, part: str, name: str, value: object) -> bytes:
    members = as_object(decoded(event))
    inner = None if members is None else as_object(members.get(part))
    if members is None or inner is None:
        return event
    return encode({**members, part: {**inner, name: value}})


def _prefixed(payload: str) -> str:
    """An onion's payload prefixed with its length as a BigSize, as the event contains it."""
    length = len(payload) // 2
    if length < 0xFD:
        return f"{length:02x}{payload}"
    if length <= 0xFFFF:
        return f"fd{length:04x}{payload}"
    return f"fe{length:08x}{payload}"
