"""The commands that the host itself answers: a few of the daemon's, and what a test adds."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from msgspec import Struct

from clnwire.codec import encode_any
from clnwire.errors import INVALID_PARAMS, METHOD_NOT_FOUND, RpcError
from clnwire.host.shapes import decoded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from clnwire._core import Frame
    from clnwire.host.manifest import Method
    from clnwire.host.output import Notice

T = TypeVar("T")
Params: TypeAlias = "dict[str, Any] | list[Any]"


class Command(Struct, frozen=True):
    """A command that somebody gave: a caller on the socket, or the program that runs the host."""

    method: str
    params: bytes
    token: bytes | None = None
    """The caller's id, if there is one."""
    frame: Frame | None = None
    """The caller's own text, if there is one."""
    notify: Callable[[Notice], None] | None = None
    """Takes `message` and `progress`, if the caller wants them."""


class CommandTable:
    """Commands by name, each a function of the params or a constant."""

    def __init__(self) -> None:
        self._commands: dict[str, object] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._commands

    def names(self) -> list[str]:
        """In the order of the alphabet."""
        return sorted(self._commands)

    def register(self, name: str, answer: object) -> None:
        """A function gets the params, decoded; anything else is the result itself."""
        self._commands[name] = answer

    async def run(self, command: Command) -> bytes:
        """The result's text. Raises `RpcError`."""
        if command.method not in self._commands:
            raise RpcError(METHOD_NOT_FOUND, f"Unknown command '{command.method}'")
        answer = self._commands[command.method]
        if callable(answer):
            answer = answer(decoded_params(command.params))
            if inspect.isawaitable(answer):
                answer = await cast("Awaitable[object]", answer)
        return encode_any(answer)


def decoded_params(text: bytes) -> Params:
    """Raises `RpcError` unless they are an object or an array."""
    params = decoded(text)
    if isinstance(params, (dict, list)):
        return cast("Params", params)
    raise RpcError(INVALID_PARAMS, "Expected array or object for params")


def argument(params: Params, index: int, name: str, default: T) -> T:
    """One parameter, given by name or by position. Raises `RpcError` if it is of another type."""
    if isinstance(params, dict):
        value = params.get(name, default)
    else:
        value = params[index] if index < len(params) else default
    if default is not None and not isinstance(value, type(default)):
        raise RpcError(INVALID_PARAMS, f"{name}: should be a {type(default).__name__}")
    return cast("T", value)


def help_text(commands: Iterable[str], methods: Iterable[Method], wanted: str) -> object:
    """The result of `help`, in its short form. Raises `RpcError` for an unknown command."""
    lines = {name: name for name in commands}
    lines.update({method.name: f"{method.name} {method.usage}".strip() for method in methods})
    if wanted and wanted not in lines:
        raise RpcError(METHOD_NOT_FOUND, f"Unknown command '{wanted}'")
    chosen = [wanted] if wanted else sorted(lines)
    return {"help": [{"command": lines[name]} for name in chosen], "format-hint": "simple"}
