"""Base classes of the generated command modules, and methods that import them on first use."""

from importlib import import_module
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import fields

from clnwire._wire.codec import encode_any
from clnwire._wire.structs import Event


class Params(Struct, frozen=True, omit_defaults=True):
    """A command's params. Members that are `None` are left out of the JSON."""


class Reply(Event, frozen=True):
    """A command's result. Members that the Struct does not list are ignored."""


class Command(NamedTuple):
    """A command: its name, and the types of its params and of its result."""

    method: str
    request: type[Params]
    reply: type[Reply] | Any

    def usage(self) -> str:
        """The method's name and its parameters in order; optional ones are in brackets."""
        shown = [each.name if each.required else f"[{each.name}]" for each in fields(self.request)]
        return " ".join([self.method, *shown])


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
