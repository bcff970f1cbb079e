"""Plugins for Core Lightning: a typed, Rust-accelerated transport and a thin `Plugin` on top.

See `clnwire.hooks` and `clnwire.notifications` for the daemon's messages, and `clnwire.host` for
a daemon's plugin side to test with.
"""

from clnwire._definition.options import Option
from clnwire._definition.requests import Notification, Request
from clnwire._runtime.log import Log
from clnwire.errors import (
    CallTimeoutError,
    ClnwireError,
    ConnectionLostError,
    DeadlockError,
    MalformedError,
    NotReadyError,
    OptionError,
    ReplyError,
    RpcError,
    UsageError,
)
from clnwire.plugin import Plugin

__all__ = [
    "CallTimeoutError",
    "ClnwireError",
    "ConnectionLostError",
    "DeadlockError",
    "Log",
    "MalformedError",
    "NotReadyError",
    "Notification",
    "Option",
    "OptionError",
    "Plugin",
    "ReplyError",
    "Request",
    "RpcError",
    "UsageError",
    "__version__",
]

from clnwire._core import __version__
