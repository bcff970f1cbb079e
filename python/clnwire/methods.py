"""RPC methods that the plugin offers: params in, checked and converted, and the result out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from clnwire._functions import is_async
from clnwire.error_codes import INVALID_PARAMS
from clnwire.errors import RpcError, UsageError
from clnwire.signature import read_signature, refuse_async_in_thread, summary

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence

    from clnwire._functions import Kind, Parameter

_VARIADIC: tuple[Kind, ...] = ("rest", "named rest")


class Method:
    """A method as it was registered: what it is called, what it takes, what it is good for."""

    def __init__(
        self,
        name: str,
        function: Callable[..., object],
        *,
        description: str | None = None,
        category: str | None = None,
        deprecated: bool | Sequence[str] = False,
        thread: bool = False,
    ) -> None:
        self.name, self.function, self.thread = name, function, thread
        self.is_async = is_async(function)
        refuse_async_in_thread(function, f"method '{name}'", thread=thread)
        signature = read_signature(function, f"method '{name}'")
        self.contexts = signature.contexts
        self.usage = usage(signature.parameters)
        first, whole = summary(function)
        self.description = description or first or f"{name} {self.usage}".rstrip()
        self.long_description = whole or self.description
        self.category, self.deprecated = category, deprecated
        self.params = Params(name, signature.parameters)


class Params:
    """Turns a call's params into the handler's arguments, and says what is wrong with them."""

    def __init__(self, method: str, parameters: list[Parameter]) -> None:
        self._method = method
        self._usage = usage(parameters)
        self._variadic = [p for p in parameters if p.kind in _VARIADIC]
        self._named = [p for p in parameters if p.kind not in _VARIADIC]
        self._names = [p.name for p in self._named]
        self._positional = [p for p in self._named if p.kind != "keyword only"]
        self._keyword_only = [p.name for p in self._named if p.kind == "keyword only"]
        self._only_by_name = next(
            (p.name for p in self._named if p.kind == "keyword only" and p.is_required),
            None,
        )
        self._by_name = self._decoder(self._named, array_like=False)
        self._by_position = self._decoder(self._positional, array_like=True)

    def decode(self, params: bytes) -> Any:
        """Decodes and checks the params of a call.

        Raises `RpcError` -32602 that names the parameter.
        """
        try:
            if params[:1] == b"{":
                return self._by_name(params)
            if params[:1] == b"[":
                if self._only_by_name is not None:
                    # A call by position cannot give it.
                    raise self._invalid(f"parameter '{self._only_by_name}' must be given by name")
                return self._by_position(params)
            if params == b"null":
                return self._by_name(b"{}")
        except msgspec.MsgspecError as error:
            raise self._refusal(error, params) from None
        raise self._invalid("params must be an object or an array")

    def bind(self, function: Callable[..., object]) -> Callable[[Any], object]:
        """The function, to be called with what `decode` gave."""
        if self._variadic:
            return lambda decoded: function(*decoded[0], **decoded[1])
        astuple = msgspec.structs.astuple
        if not self._named:
            return lambda decoded: function()
        if not self._keyword_only:
            return lambda decoded: function(*astuple(decoded))
        return self._bind_by_name(function)

    def _bind_by_name(self, function: Callable[..., object]) -> Callable[[Any], object]:
        positional = [p.name for p in self._positional]

        def call(decoded: Any) -> object:
            arguments = {
                name: getattr(decoded, name)
                for name in self._keyword_only
                if hasattr(decoded, name)
            }
            return function(*(getattr(decoded, name) for name in positional), **arguments)

        return call

    def _decoder(self, parameters: list[Parameter], *, array_like: bool) -> Callable[[bytes], Any]:
        if self._variadic:
            return self._collect
        return self._struct_decoder(parameters, array_like=array_like).decode

    def _struct_decoder(
        self, parameters: list[Parameter], *, array_like: bool
    ) -> msgspec.json.Decoder[Any]:
        try:
            struct = msgspec.defstruct(
                self._method,
                [_field(parameter) for parameter in parameters],
                forbid_unknown_fields=True,
                array_like=array_like,
                kw_only=not array_like,
            )
            return msgspec.json.Decoder(struct, strict=False)
        except TypeError as error:
            raise UsageError(f"method '{self._method}': {error}") from None

    def _collect(self, params: bytes) -> tuple[list[Any], dict[str, Any]]:
        """For `*args` and `**kwargs`: each argument is decoded by itself."""
        if params[:1] == b"[":
            return self._collect_positions(msgspec.json.decode(params, type=list[msgspec.Raw]))
        return self._collect_names(msgspec.json.decode(params, type=dict[str, msgspec.Raw]))

    def _collect_positions(self, values: list[msgspec.Raw]) -> tuple[list[Any], dict[str, Any]]:
        rest = self._catching("rest")
        if rest is None and len(values) > len(self._positional):
            raise self._invalid(f"takes at most {len(self._positional)} parameters")
        taking: list[Parameter] = [*self._positional]
        if rest is not None:
            taking += [rest] * (len(values) - len(taking))
        self._require({p.name for p in taking[: len(values)]})
        return [self._one(p, value) for p, value in zip(taking, values, strict=False)], {}

    def _collect_names(self, values: dict[str, msgspec.Raw]) -> tuple[list[Any], dict[str, Any]]:
        rest = self._catching("named rest")
        named = {p.name: p for p in self._named}
        unknown = [name for name in values if name not in named]
        if rest is None and unknown:
            raise self._invalid(f"unknown parameter '{unknown[0]}'")
        self._require(set(values))
        found = {name: self._one(named.get(name, rest), value) for name, value in values.items()}
        first = [p for p in self._positional if p.kind == "positional only"]
        return [found.pop(p.name, p.default) for p in first], found

    def _catching(self, kind: Kind) -> Parameter | None:
        return next((p for p in self._variadic if p.kind == kind), None)

    def _require(self, given: set[str]) -> None:
        for parameter in self._named:
            if parameter.is_required and parameter.name not in given:
                raise self._invalid(f"missing parameter '{parameter.name}'")

    def _one(self, parameter: Parameter | None, value: msgspec.Raw) -> Any:
        if parameter is None:
            return msgspec.json.decode(value)
        try:
            return msgspec.json.decode(value, type=parameter.annotation, strict=False)
        except msgspec.ValidationError as error:
            raise self._invalid(f"parameter '{parameter.name}': {error}") from None

    def _refusal(self, error: msgspec.MsgspecError, params: bytes) -> RpcError:
        text = str(error)
        place = _place(text)
        if place is not None:
            return self._invalid(self._located(text, place))
        if text.startswith("Object missing required field"):
            return self._invalid(f"missing parameter '{text.split('`')[1]}'")
        if text.startswith("Object contains unknown field"):
            return self._invalid(f"unknown parameter '{text.split('`')[1]}'")
        if text.startswith("Expected `array` of") and params[:1] == b"[":
            return self._wrong_count(params)
        return self._invalid(text)

    def _wrong_count(self, params: bytes) -> RpcError:
        given = len(msgspec.json.decode(params, type=list[msgspec.Raw]))
        missing = [p.name for p in self._positional if p.is_required][given:]
        if missing:
            return self._invalid(f"missing parameter '{missing[0]}'")
        return self._invalid(
            f"takes at most {len(self._positional)} parameters, {given} were given"
        )

    def _located(self, text: str, place: re.Match[str]) -> str:
        """msgspec's message with the place in the params replaced by the parameter's name."""
        name, position, inside = place.groups()
        if position is not None:
            name = self._names[int(position)]
        if name is None:
            return text
        where = f"'{name}'" + (f", at '{name}{inside}'" if inside else "")
        return f"parameter {where}: {text[: place.start()]}"

    def _invalid(self, problem: str) -> RpcError:
        hint = f"{self._method} {self._usage}".rstrip()
        return RpcError(INVALID_PARAMS, f"{self._method}: {problem} (usage: {hint})")


def _place(text: str) -> re.Match[str] | None:
    """Where msgspec found the mistake; the pattern is compiled when there is one."""
    import re

    return re.search(r" - at `\$(?:\.(\w+)|\[(\d+)\])?(.*)`$", text)


def usage(parameters: list[Parameter]) -> str:
    """The parameters as the daemon's help shows them: optional ones in brackets."""
    return " ".join(_usage_one(parameter) for parameter in parameters)


def _usage_one(parameter: Parameter) -> str:
    if parameter.kind in _VARIADIC:
        return f"[{parameter.name} ...]"
    return parameter.name if parameter.is_required else f"[{parameter.name}]"


def _field(parameter: Parameter) -> Any:
    if isinstance(msgspec.inspect.type_info(parameter.annotation), msgspec.inspect.CustomType):
        raise TypeError(f"parameter '{parameter.name}': JSON has no {parameter.annotation}")
    if parameter.is_required:
        return (parameter.name, parameter.annotation)
    default: Any = parameter.default
    if isinstance(default, (list, dict, set, bytearray)):
        # msgspec wants a factory for these; the function has one object for all its calls.
        return (parameter.name, parameter.annotation, msgspec.field(default_factory=default.copy))
    return (parameter.name, parameter.annotation, default)
