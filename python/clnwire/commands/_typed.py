"""Typed methods, created on first use: `getinfo` imports `clnwire.commands.getinfo`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from clnwire._wire.codec import encode_any

if TYPE_CHECKING:
    from clnwire.commands._command import Command


class TypedMethods:
    """Has a method for each command that has a module in `clnwire.commands`."""

    def __getattr__(self, name: str) -> Any:
        command = _command(name)
        if command is None:
            raise AttributeError(f"clnwire knows no command '{name}'; use call('{name}', ...)")
        method = self._method(command)
        self.__dict__[name] = method
        return method

    def _method(self, command: Command) -> Any:
        def method(*args: Any, **kwargs: Any) -> Any:
            try:
                params = command.request(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{command.method}: {error} (usage: {command.usage()})") from None
            return self._run(command.method, encode_any(params), command.reply)

        method.__name__ = method.__qualname__ = command.method.replace("-", "_")
        method.__doc__ = command.usage()
        return method

    def _run(self, method: str, params: bytes, kind: Any) -> Any:
        raise NotImplementedError


def _command(name: str) -> Command | None:
    """The command whose method has this name; `None` if there is none."""
    if name.startswith("_"):
        return None
    module = f"clnwire.commands.{name}"
    try:
        command: Command = import_module(module).COMMAND
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return None
    return command
