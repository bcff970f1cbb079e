"""The commands that the host answers itself: its built-in ones and those a test registers."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar, cast

from msgspec import Raw, Struct, json

from clnwire._core import Frame
from clnwire._wire.codec import encode_any
from clnwire._wire.levels import CURRENT_LEVELS, LogLevel, check_level
from clnwire.error_codes import INVALID_PARAMS, METHOD_NOT_FOUND
from clnwire.errors import RpcError, UsageError
from clnwire.host.plugins.output import Notice
from clnwire.host.rules.decoding import decoded
from clnwire.messages.progress import check_progress

T = TypeVar("T")
Params: TypeAlias = "dict[str, Any] | list[Any]"


class Caller:
    """The caller of a command, passed to a command's function as its second parameter."""

    def __init__(
        self, method: str, token: bytes | None, notify: Callable[[Notice], None] | None
    ) -> None:
        self.method = method
        """The command's name."""
        self.token = (token or b"null").decode()
        """The exact JSON text of the caller's id; `null` if there is none."""
        self._notify = notify

    def notify(self, text: str, level: LogLevel = "info") -> None:
        """Sends the caller a line if it enabled notifications.

        Raises `UsageError` for an unknown level.
        """
        check_level(level)
        self._send("message", {"id": 0, "level": CURRENT_LEVELS[level], "message": text})

    def progress(self, done: int, total: int, *, stage: tuple[int, int] | None = None) -> None:
        """Tells the caller that `done` of `total` steps are done.

        `stage` is the number of the current stage and the number of stages. Raises `UsageError`
        for numbers out of range.
        """
        check_progress(done, total)
        params: dict[str, object] = {"id": 0, "num": done, "total": total}
        if stage is not None:
            check_progress(*stage)
            params["stage"] = {"num": stage[0], "total": stage[1]}
        self._send("progress", params)

    def _send(self, method: str, params: dict[str, object]) -> None:
        # `Notice.addressed_to` replaces the id 0 with the caller's id.
        if self._notify is not None:
            self._notify(Notice(method, self.token.encode(), json.encode(params)))


class Delivery(Struct, frozen=True):
    """A command's result and how its reply is sent.

    A command's function may return one, or it may replace the function:
    `host.command("getinfo")(Delivery({"id": "02"}, delay=0.5))`. `delay` applies to all callers,
    the other fields only to callers on the socket. The constructor raises `UsageError` for values
    out of range.
    """

    result: object
    """The result; an `RpcError` becomes an error reply."""
    delay: float = 0.0
    """Seconds before the reply begins."""
    chunk_bytes: int | None = None
    """Bytes per write; `None` writes the reply at once."""
    pause: float = 0.0
    """Seconds to wait after each chunk."""
    hang_up_after: int | None = None
    """Bytes of the reply after which the host closes the connection; 0 sends none of the reply."""

    def __post_init__(self) -> None:
        if self.delay < 0 or self.pause < 0:
            raise UsageError("delivery: delay and pause are seconds, 0 or more")
        if self.chunk_bytes is not None and self.chunk_bytes < 1:
            raise UsageError(f"delivery: chunk_bytes must be at least 1, not {self.chunk_bytes}")
        if self.hang_up_after is not None and self.hang_up_after < 0:
            raise UsageError("delivery: hang_up_after is a number of bytes, 0 or more")

    def chunks(self, reply: bytes) -> list[bytes]:
        """The part of the reply that is sent, in chunks."""
        whole = reply if self.hang_up_after is None else reply[: self.hang_up_after]
        size = self.chunk_bytes or max(1, len(whole))
        return [whole[start : start + size] for start in range(0, len(whole), size)]


class CallerSettings(Struct):
    """The settings of a caller's connection."""

    wants_notices: bool = False
    """Whether the caller gets `message` and `progress`; set by the command `notifications`."""
    allows_deprecated: bool = False
    """Set by the command `deprecations`."""


class HostCommand(Struct, frozen=True):
    """A command called on the socket or with `Host.call`."""

    method: str
    params: bytes
    token: bytes | None = None
    """The JSON text of the caller's id, if there is one."""
    frame: Frame | None = None
    """The caller's request; `None` for `Host.call` and for a request that a hook replaced."""
    notify: Callable[[Notice], None] | None = None
    """Sends the caller `message` and `progress`."""
    session: CallerSettings | None = None

    def decoded_params(self) -> Params:
        """The decoded params. Raises `RpcError` unless they are an object or an array."""
        params = decoded(self.params)
        if isinstance(params, (dict, list)):
            return cast("Params", params)
        raise RpcError(INVALID_PARAMS, "Expected array or object for params")

    def argument(self, index: int, name: str, default: T, *, required: bool = False) -> T:
        """A parameter, given by name or by position.

        Raises `RpcError` if it is required and missing, or if its type is not that of `default`.
        With `None` any type is accepted.
        """
        params = self.decoded_params()
        if isinstance(params, dict):
            params, index = ([params[name]] if name in params else []), 0
        if required and index >= len(params):
            raise RpcError(INVALID_PARAMS, f"missing required parameter: {name}")
        value = params[index] if index < len(params) else default
        if default is not None and not isinstance(value, type(default)):
            raise RpcError(INVALID_PARAMS, f"{name}: should be a {type(default).__name__}")
        return cast("T", value)

    def text(self, index: int, name: str) -> str:
        """A required string parameter. Raises `RpcError` if it is missing or not a string."""
        return self.argument(index, name, "", required=True)


class CommandOutcome(Struct, frozen=True):
    """How a command ended: a plugin's unchanged reply, a result, or an error."""

    frame: Frame | None = None
    result: bytes | None = None
    error: RpcError | None = None
    delivery: Delivery | None = None
    """How to send the reply; `None` sends it at once."""


Own: TypeAlias = "Callable[[HostCommand], object | Awaitable[object]]"
"""Returns a command's result or a `CommandOutcome`, or raises `RpcError`."""


class CommandTable:
    """The commands by name. A registered command overrides the host's own one of that name."""

    def __init__(self) -> None:
        self._commands: dict[str, Own] = {}
        self._own: dict[str, tuple[str, Own]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._commands or name in self._own

    def names(self) -> list[str]:
        """The names of all commands, sorted."""
        return sorted({*self._commands, *self._own})

    def usages(self) -> list[str]:
        """Each name, followed by its parameters if they are known."""
        usages = {name: f"{name} {usage}".rstrip() for name, (usage, _) in self._own.items()}
        return [usages.get(name, name) for name in self.names()]

    def register(self, name: str, answer: object) -> None:
        """Registers a command for `Host.command`.

        A function takes the decoded params and, if it has a second parameter, the `Caller`. Any
        other object is the result.
        """
        self._commands[name] = _given(answer)

    def register_own(self, name: str, usage: str, answer: Own) -> None:
        """Registers a command that the host implements; `register` overrides it."""
        self._own[name] = (usage, answer)

    async def run(self, command: HostCommand) -> CommandOutcome:
        """Runs a command. Raises `RpcError`, and whatever the command's function raises."""
        answer = self._answer(command)
        if inspect.isawaitable(answer):
            answer = await cast("Awaitable[object]", answer)
        if isinstance(answer, CommandOutcome):
            return answer
        if not isinstance(answer, Delivery):
            return CommandOutcome(result=encode_any(answer))
        await asyncio.sleep(answer.delay)
        if isinstance(answer.result, RpcError):
            return CommandOutcome(error=answer.result, delivery=answer)
        return CommandOutcome(result=encode_any(answer.result), delivery=answer)

    def _answer(self, command: HostCommand) -> object:
        if command.method in self._commands:
            return self._commands[command.method](command)
        if command.method in self._own:
            command.decoded_params()
            return self._own[command.method][1](command)
        raise RpcError(METHOD_NOT_FOUND, f"Unknown command '{command.method}'")


def _given(answer: object) -> Own:
    """Wraps the argument of `register` as a function of the command."""
    if isinstance(answer, (bytes, Raw)):
        # Validate JSON text once, not on each call: it is immutable and may be large.
        answer = CommandOutcome(result=encode_any(answer))
    if not callable(answer):
        return lambda command: answer
    if not _takes_caller(answer):
        return lambda command: answer(command.decoded_params())
    return lambda command: answer(
        command.decoded_params(), Caller(command.method, command.token, command.notify)
    )


def _takes_caller(function: Callable[..., object]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # Some built-in functions have no signature.
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [each for each in parameters if each.kind in places and each.default is each.empty]
    return len(required) > 1
