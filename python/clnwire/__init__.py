"""Plugins for Core Lightning: a typed, Rust-accelerated transport and a thin `Plugin` on top.

See `clnwire.hooks` and `clnwire.notifications` for the daemon's messages, and `clnwire.host` for
a daemon's plugin side to test with.
"""

from clnwire._wire.lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "_core": "__version__",
        "_definition.options": "Option",
        "_definition.requests": "Notification Request",
        "_runtime.log": "Log",
        "errors": "CallTimeoutError ClnwireError ConnectionLostError DeadlockError MalformedError"
        " NotReadyError OptionError ReplyError RpcError UsageError",
        "plugin": "Plugin Registry",
    },
)
