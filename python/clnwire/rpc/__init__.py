"""The daemon's own commands, typed: `plugin.rpc.getinfo()`, `await plugin.rpc.aio.getinfo()`.

A program that is no plugin calls them with `connect(path)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire._wire.lazy import lazy

if TYPE_CHECKING:
    from clnwire.rpc.awaitable import AwaitableRpc
    from clnwire.rpc.blocking import Rpc
    from clnwire.rpc.connecting import connect

__all__ = ["AwaitableRpc", "Rpc", "connect"]

__getattr__, __dir__ = lazy(
    __name__, {"awaitable": ("AwaitableRpc",), "blocking": ("Rpc",), "connecting": ("connect",)}
)
