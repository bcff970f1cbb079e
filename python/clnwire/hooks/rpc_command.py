"""`rpc_command`: a client or a plugin calls a command of the daemon or a method of a plugin.

Without `filters`, the handler is called for every command.

Kind: chain; the first plugin that replaces or answers the call decides. Later ones are ignored.
Safe answer: an error for the caller. A guard that fails must not let the command run.
Refusal: the same.
Any other answer: logged, and the command runs; a bad `replace` is an error for the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from msgspec import Raw, field

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event, HookAnswer
from clnwire.errors import sendable
from clnwire.hooks._spec import Continue, HookSpec, refuse_call

if TYPE_CHECKING:
    from collections.abc import Callable

JsonId: TypeAlias = str | int | float | bool | Raw | None
"""The id of a JSON-RPC request. A number beyond Python's range (`1e999`) is a `msgspec.Raw`."""


class RpcRequest(Event, frozen=True):
    """A call as it came in, or the call to make in its place."""

    id: JsonId
    """The caller's id. A replacement must keep it."""
    method: str
    """The command's name."""
    params: dict[str, Any] | list[Any]
    """The parameters by name or by position, as the caller gave them."""
    jsonrpc: str = field(default_factory=lambda: "2.0")
    """Always `2.0`. With a default factory it stays in the encoded replacement, which needs it."""
    filter: dict[str, Any] | None = None
    """Which members of the reply the caller wants. Not in the daemon's schema."""


class RpcCommand(Event, frozen=True):
    """A command is called."""

    rpc_command: RpcRequest
    """The call."""


class RpcFailure(Event, frozen=True):
    """An error for the caller."""

    code: int
    """The error's code, see `clnwire.error_codes`."""
    message: str
    """One line about the error."""
    data: Any = None
    """Further details: any JSON."""


class RpcReply(HookAnswer, frozen=True):
    """The reply to the caller. Give either `result` or `error`."""

    result: dict[str, Any] | None = None
    """The result of a call that succeeded."""
    error: RpcFailure | None = None
    """The error of a call that failed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.result is None) == (self.error is None):
            self._refuse("result", "or error must be given, and not both")


class RpcCommandReplace(HookAnswer, frozen=True):
    """Make another call in place of this one."""

    replace: RpcRequest
    """The call to make, with this call's id: `msgspec.structs.replace(event.rpc_command, …)`."""


class RpcCommandReturn(HookAnswer, frozen=True):
    """Answer the caller in the daemon's place: `RpcCommandReturn.result(…)` or `.error(…)`."""

    reply: RpcReply = field(name="return")
    """The reply to the caller; `return` in JSON."""

    @classmethod
    def result(cls, result: dict[str, Any]) -> RpcCommandReturn:
        """Answers the caller with this result."""
        return cls(RpcReply(result=result))

    @classmethod
    def error(cls, code: int, message: str, data: object = None) -> RpcCommandReturn:
        """Answers the caller with this error; for `code` see `clnwire.error_codes`."""
        return cls(RpcReply(error=RpcFailure(code, message, data)))


_INFINITE: Final = (float("inf"), float("-inf"))

Answer: TypeAlias = Continue | RpcCommandReplace | RpcCommandReturn


def _as_it_will_run(text: bytes) -> bytes:
    """The event with duplicate members removed, as the daemon will carry it out.

    Of a member that the call has twice, the daemon uses the first and decoders use the last. Names
    are compared in their spelling, escapes included. Raises `ValueError` if an object in the params
    has a name twice, since the command may use either.
    """
    if text.count(b"{") > 2:
        _refuse_doubled(text)
    if text.count(b'"method"') < 2 and text.count(b'"params"') < 2 and b"\\u" not in text:
        return text
    members = b",".join(b"%s:%s" % member for member in _call_members(text).items())
    return b'{"rpc_command":{%s}}' % members


def _refuse_doubled(text: bytes) -> None:
    from clnwire._wire import tolerant
    from clnwire._wire.foreign import shortened

    params = _call_members(text).get(b'"params"', b"null")
    if (name := tolerant.doubled_name(params)) is not None:
        shown = shortened(sendable(name))
        raise ValueError(f"the params of the call have {shown!r} twice in one object; send it once")


def _with_exact_ids(
    event: type[RpcCommand], decode: Callable[[bytes], RpcCommand]
) -> Callable[[bytes], RpcCommand]:
    def decode_call(text: bytes) -> RpcCommand:
        called = decode(text)
        # Every id beyond the range of a float decodes to `inf`, so its text is kept.
        if called.rpc_command.id not in _INFINITE:
            return called
        token = Raw(_call_members(text)[b'"id"'])
        return event(msgspec.structs.replace(called.rpc_command, id=token))

    return decode_call


def _call_members(text: bytes) -> dict[bytes, bytes]:
    return _first_members(_first_members(text)[b'"rpc_command"'])


def _first_members(text: bytes) -> dict[bytes, bytes]:
    """The members of a JSON object by their names' spelling; of a duplicate, the first. Names with
    escapes are left out, since no name that the daemon reads has one."""
    from clnwire._wire import tolerant

    found: dict[bytes, bytes] = {}
    for name, value in tolerant.members(text):
        if b"\\" not in name:
            found.setdefault(name, value)
    return found


SPEC = HookSpec(
    "rpc_command",
    event=RpcCommand,
    upgrade=older_form("rpc_command", absent={"params": {}, "id": None}),
    read=_as_it_will_run,
    wrap=_with_exact_ids,
    answers=(Continue, RpcCommandReplace, RpcCommandReturn),
    safe=refuse_call,
    refusal=refuse_call,
    filters=True,
)
