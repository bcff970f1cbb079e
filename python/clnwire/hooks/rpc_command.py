"""`rpc_command`: somebody calls one of the daemon's commands, or a plugin's method.

Without `filters`, the handler is asked about every single one.

Kind: chain; the first plugin that changes something decides, later ones are ignored.
Safe answer: continue. The command runs as if the plugin were not there.
Any other answer: logged, and the command runs; a bad `replace` is an error for the caller.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import field

from clnwire._message import Event, HookAnswer
from clnwire.hooks._safe import go_on
from clnwire.hooks._spec import Continue, HookSpec

JsonId: TypeAlias = str | int | float | None
"""The id of a JSON-RPC request."""


class RpcRequest(Event, frozen=True):
    """A call, as it came in or as it is to be made instead."""

    id: JsonId
    """The caller's. A replacement has to keep it."""
    method: str
    """The command."""
    params: dict[str, Any] | list[Any]
    """By name or by position, as the caller gave them."""
    jsonrpc: str = field(default_factory=lambda: "2.0")
    """The version, always `2.0`. A replacement must say it, so it is not left out when encoded."""
    filter: dict[str, Any] | None = None
    """Which members of the reply the caller wants. The daemon's schema does not name it."""


class RpcCommand(Event, frozen=True):
    """A command is called."""

    rpc_command: RpcRequest
    """The call."""


class RpcFailure(Event, frozen=True):
    """What went wrong."""

    code: int
    """See `clnwire.error_codes`."""
    message: str
    """One line."""
    data: Any = None
    """Whatever else the caller should know."""


class RpcReply(HookAnswer, frozen=True):
    """What the caller gets: one of the two."""

    result: dict[str, Any] | None = None
    """What a success gives."""
    error: RpcFailure | None = None
    """What went wrong."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.result is None) == (self.error is None):
            self._refuse("result", "or error must be there, and not both")


class RpcCommandReplace(HookAnswer, frozen=True):
    """Make another call in place of this one."""

    replace: RpcRequest
    """With the id of the call it replaces: `msgspec.structs.replace(event.rpc_command, …)`."""


class RpcCommandReturn(HookAnswer, frozen=True):
    """Answer the caller in the daemon's place: `RpcCommandReturn.result(…)` or `.error(…)`."""

    reply: RpcReply = field(name="return")
    """What the caller gets."""

    @classmethod
    def result(cls, result: dict[str, Any]) -> RpcCommandReturn:
        """The caller gets this result."""
        return cls(RpcReply(result=result))

    @classmethod
    def error(cls, code: int, message: str, data: object = None) -> RpcCommandReturn:
        """The caller gets this error."""
        return cls(RpcReply(error=RpcFailure(code, message, data)))


Answer: TypeAlias = Continue | RpcCommandReplace | RpcCommandReturn


def _older(event: dict[str, Any]) -> None:
    """A caller may leave out what JSON-RPC lets it leave out."""
    event["rpc_command"].setdefault("params", {})
    event["rpc_command"].setdefault("id", None)


SPEC = HookSpec(
    "rpc_command",
    event=RpcCommand,
    older=_older,
    answers=(Continue, RpcCommandReplace, RpcCommandReturn),
    safe=go_on,
    filters=True,
)
