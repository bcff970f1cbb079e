"""The daemon's own commands, typed: `plugin.rpc.getinfo()`, `await plugin.rpc.aio.getinfo()`.

A program that is not a plugin gets the same client from `connect(path)`.
"""

from clnwire._wire.lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__, {"awaitable": "AwaitableRpc", "blocking": "Rpc", "connecting": "connect"}
)
