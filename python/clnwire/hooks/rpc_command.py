"""`rpc_command`: somebody calls one of the daemon's commands, or a plugin's method.

Without `filters`, the handler is asked about every single one.

Kind: chain; the first plugin that changes something decides, later ones are ignored.
Safe answer: an error for the caller. A guard that fails must not let the command pass.
Refusal: the same.
Any other answer: logged, and the command runs; a bad `replace` is an error for the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from msgspec import Raw, field

from clnwire._wire.structs import Event, HookAnswer
from clnwire.errors import sendable
from clnwire.hooks._spec import Continue, HookSpec, refuse_call

if TYPE_CHECKING:
    from collections.abc import Callable

JsonId: TypeAlias = str | int | float | bool | Raw | None
"""The id of a JSON-RPC request; `msgspec.Raw`, its exact text, if no Python number is (`1e999`)."""


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


_INFINITE: Final = (float("inf"), float("-inf"))

Answer: TypeAlias = Continue | RpcCommandReplace | RpcCommandReturn


def _older(event: dict[str, Any]) -> None:
    """A caller may leave out what JSON-RPC lets it leave out."""
    event["rpc_command"].setdefault("params", {})
    event["rpc_command"].setdefault("id", None)


def _as_it_will_run(text: bytes) -> bytes:
    """The event with each member once, whatever the handler takes it as.

    If a member of the call is doubled, the daemon carries out the first one, while decoders take
    the last. Names are compared as they are spelled, escapes included. Raises `ValueError` for a
    name that stands twice in one object of the params: the command may take either.
    """
    if text.count(b"{") > 2:
        _refuse_doubled(text)
    if text.count(b'"method"') < 2 and text.count(b'"params"') < 2 and b"\\u" not in text:
        return text
    call = _first_members(_first_members(text)[b'"rpc_command"'])
    return b'{"rpc_command":{%s}}' % b",".join(b"%s:%s" % member for member in call.items())


def _refuse_doubled(text: bytes) -> None:
    from clnwire._wire import tolerant

    call = _first_members(_first_members(text)[b'"rpc_command"'])
    if (name := tolerant.doubled_name(call.get(b'"params"', b"null"))) is not None:
        raise ValueError(f"the params of the call have {sendable(name)!r} twice in one object")


def _with_exact_ids(decode: Callable[[bytes], RpcCommand]) -> Callable[[bytes], RpcCommand]:
    def decode_call(text: bytes) -> RpcCommand:
        event = decode(text)
        # `inf` does not tell which id it was.
        if event.rpc_command.id not in _INFINITE:
            return event
        token = _first_members(_first_members(text)[b'"rpc_command"'])[b'"id"']
        return RpcCommand(msgspec.structs.replace(event.rpc_command, id=Raw(token)))

    return decode_call


def _first_members(text: bytes) -> dict[bytes, bytes]:
    """An object's members by their names as they are spelled; the first of each counts.

    Names with escapes are left out: the daemon has none.
    """
    from clnwire._wire import tolerant

    found: dict[bytes, bytes] = {}
    for name, value in tolerant.members(text):
        if b"\\" not in name:
            found.setdefault(name, value)
    return found


SPEC = HookSpec(
    "rpc_command",
    event=RpcCommand,
    older=_older,
    read=_as_it_will_run,
    decoded=_with_exact_ids,
    answers=(Continue, RpcCommandReplace, RpcCommandReturn),
    safe=refuse_call,
    refusal=refuse_call,
    filters=True,
)
