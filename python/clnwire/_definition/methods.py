"""RPC methods that the plugin offers: decoding of params, and calling the function with them."""

from __future__ import annotations

import typing
from functools import partial
from types import UnionType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from clnwire._definition.functions import is_async
from clnwire._definition.signature import read_signature, refuse_async_in_thread, summary
from clnwire._wire.codec import UNDECODABLE, split
from clnwire.error_codes import INVALID_PARAMS
from clnwire.errors import RpcError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clnwire._definition.functions import Kind, Parameter
    from clnwire._definition.signature import Signature
    from clnwire._definition.values import Reader

_SIMPLE: Final = (Any, object, str, int, float, bool, type(None), msgspec.Raw)
"""Types whose values msgspec's strict decoding accepts or refuses as clnwire does."""
_SIMPLE_ORIGINS: Final = (list, dict, tuple, set, typing.Union, UnionType)
_VARIADIC: tuple[Kind, ...] = ("rest", "named rest")
_INJECTED: Final = {
    "plugin": "leave it out, and use the plugin object itself",
    "request": "annotate it, `request: clnwire.Request`",
}
"""Parameters that pyln-client fills in by their names → what to do instead."""


class Method:
    """A method as it was registered."""

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
        _refuse_habits(f"method '{name}'", signature.parameters)
        self.contexts = signature.contexts
        self.usage = usage(signature.parameters)
        first, whole = summary(function)
        self.description = description or first or f"{name} {self.usage}".rstrip()
        self.parameters = signature.parameters
        self.long_description = _with_parameters(whole or self.description, self.parameters)
        self.category, self.deprecated = category, deprecated
        self.params = Params(name, signature)


def _refuse_habits(what: str, parameters: list[Parameter]) -> None:
    """Raises `UsageError` for parameters that pyln-client fills in or converts."""
    for parameter in parameters:
        name, annotation = parameter.name, parameter.annotation
        is_needed = parameter.is_required and parameter.kind not in _VARIADIC
        if name in _INJECTED and annotation is Any and is_needed:
            raise UsageError(
                f"{what}: callers would have to give '{name}'; {_INJECTED[name]}; "
                f"if they shall give it, annotate it, `{name}: str`"
            )
        module = str(getattr(annotation, "__module__", ""))
        if getattr(annotation, "__name__", "") == "Millisatoshi" and "pyln" in module.split("."):
            raise UsageError(f"{what}: annotate '{name}' as clnwire.types.Msat, an int in msat")


class Params:
    """Converts a call's params to the handler's arguments."""

    def __init__(self, method: str, signature: Signature) -> None:
        parameters = signature.parameters
        self._method = method
        self._usage = usage(parameters)
        self._variadic = [p for p in parameters if p.kind in _VARIADIC]
        self._named = [p for p in parameters if p.kind not in _VARIADIC]
        self._positional = [p for p in self._named if p.kind != "keyword only"]
        self._keyword_only = [p.name for p in self._named if p.kind == "keyword only"]
        self._needs_names = any(p.is_required for p in self._named if p.kind == "keyword only")
        self._filled = {context.name for context in signature.contexts}
        """Names of parameters that clnwire fills in; a caller cannot give them."""
        self._readers: dict[str, Reader] = {}
        """Name of a parameter → what reads its value. Those of simple types are made on use."""
        special = {p.name for p in parameters if not self._fits_msgspec(p)}
        self._arguments = self._struct(self._named, special, array_like=False)
        self._decode_names: Callable[[bytes], Any] = self._decode_each
        self._decode_positions: Callable[[bytes], Any] = self._decode_each
        if not self._variadic and not special:
            positions = self._struct(self._positional, special, array_like=True)
            self._decode_names = self._decoder(self._arguments)
            self._decode_positions = self._decoder(positions)

    def decode(self, params: bytes) -> Any:
        """Decodes and checks the JSON text of a call's params.

        Raises `RpcError` with code -32602; the message names the parameter.
        """
        first = params[:1]
        if first not in (b"{", b"["):
            if params != b"null":
                raise self._invalid("params must be an object or an array")
            first, params = b"{", b"{}"
        if not self._needs_care(first, params):
            try:
                if first == b"{":
                    return self._decode_names(params)
                return self._decode_positions(params)
            except UNDECODABLE:
                # Decode the parameters one by one, to accept what only msgspec refuses or to name
                # the wrong one.
                pass
        return self._decode_each(params)

    def _needs_care(self, first: bytes, params: bytes) -> bool:
        """Whether msgspec's decoding of all params at once could be wrong.

        By position, null stands for a parameter that is left out, and required keyword-only
        parameters cannot be given.
        """
        return first == b"[" and (b"null" in params or self._needs_names)

    def _decode_each(self, params: bytes) -> Any:
        """Decodes each argument separately."""
        given = split(params)
        if isinstance(given, list):
            args, named = self._collect_positions(given), dict[str, Any]()
        else:
            args, named = self._collect_names(given)
        if self._variadic:
            return args, named
        names = [p.name for p in self._positional]
        return self._arguments(**dict(zip(names, args, strict=False)), **named)

    def bind(self, function: Callable[..., object]) -> Callable[[Any], object]:
        """A function that takes the result of `decode` and calls `function` with it."""
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

    def _fits_msgspec(self, parameter: Parameter) -> bool:
        """Whether msgspec's strict decoding accepts no value that clnwire refuses."""
        if _is_simple(parameter.annotation):
            return True
        from clnwire._definition.values import reader

        try:
            self._readers[parameter.name], fits = reader(parameter.annotation)
        except TypeError as error:
            where = f"method '{self._method}': parameter '{parameter.name}'"
            raise UsageError(f"{where}: {error}") from None
        return fits

    def _decoder(self, struct: type[msgspec.Struct]) -> Callable[[bytes], Any]:
        try:
            return msgspec.json.Decoder(struct).decode
        except TypeError as error:
            raise UsageError(f"method '{self._method}': {error}") from None

    def _struct(
        self, parameters: list[Parameter], special: set[str], *, array_like: bool
    ) -> type[msgspec.Struct]:
        return msgspec.defstruct(
            self._method,
            [_field(p, Any if p.name in special else p.annotation) for p in parameters],
            forbid_unknown_fields=True,
            array_like=array_like,
            kw_only=not array_like,
        )

    def _collect_positions(self, values: list[bytes]) -> list[Any]:
        rest = self._variadic_parameter("rest")
        self._require({p.name for p in self._positional[: len(values)]}, by_position=True)
        if rest is None and len(values) > len(self._positional):
            from clnwire._wire.counting import counted

            most = counted(len(self._positional), "parameter")
            raise self._invalid(f"takes at most {most}, {len(values)} were given")
        taking: list[Parameter] = [*self._positional]
        if rest is not None:
            taking += [rest] * (len(values) - len(taking))
        return [self._at_position(p, value) for p, value in zip(taking, values, strict=False)]

    def _at_position(self, parameter: Parameter, value: bytes) -> Any:
        """Decodes one value. By position, null means that an optional parameter is left out."""
        if value == b"null" and not parameter.is_required:
            return parameter.default
        return self._decode_one(parameter, value, parameter.name)

    def _collect_names(self, values: dict[str, bytes]) -> tuple[list[Any], dict[str, Any]]:
        rest = self._variadic_parameter("named rest")
        named = {p.name: p for p in self._named}
        taking: dict[str, Parameter] = {}
        for name in values:
            parameter = named.get(name) or (None if name in self._filled else rest)
            if parameter is None:
                from clnwire._wire.foreign import shortened

                raise self._invalid(f"unknown parameter '{shortened(name)}'")
            taking[name] = parameter
        self._require(set(values))
        found = {name: self._decode_one(taking[name], values[name], name) for name in values}
        if not self._variadic:
            return [], found
        first = [p for p in self._positional if p.kind == "positional only"]
        return [found.pop(p.name, p.default) for p in first], found

    def _variadic_parameter(self, kind: Kind) -> Parameter | None:
        return next((p for p in self._variadic if p.kind == kind), None)

    def _require(self, given: set[str], *, by_position: bool = False) -> None:
        for parameter in self._named:
            if parameter.is_required and parameter.name not in given:
                if by_position and parameter.kind == "keyword only":
                    raise self._invalid(f"parameter '{parameter.name}' must be given by name")
                raise self._invalid(f"missing parameter '{parameter.name}'")

    def _decode_one(self, parameter: Parameter, value: bytes, name: str) -> Any:
        """Decodes one value; `name` is the parameter's for the caller."""
        # Only calls that msgspec does not decode, and methods with special types, need this module.
        from clnwire._definition.values import MisfitError, reader

        if parameter.name not in self._readers:
            self._readers[parameter.name], _ = reader(parameter.annotation)
        try:
            return self._readers[parameter.name].read(value)
        except RecursionError:
            raise self._invalid(f"parameter '{name}' is nested too deeply") from None
        except MisfitError as misfit:
            from clnwire._wire.foreign import shortened

            where = shortened(f"{name}{misfit.place}")
            raise self._invalid(f"parameter '{where}' {misfit.problem}") from None

    def _invalid(self, problem: str) -> RpcError:
        from clnwire._wire.foreign import in_one_line

        hint = f"{self._method} {self._usage}".rstrip()
        text = in_one_line(f"{self._method}: {problem} (usage: {hint})")
        return RpcError(INVALID_PARAMS, text)


def _with_parameters(description: str, parameters: list[Parameter]) -> str:
    """The description, followed by what the annotations say about the parameters."""
    if all(_is_simple(parameter.annotation) for parameter in parameters):
        return description
    from clnwire._definition.documentation import in_annotations

    found = in_annotations(parameters)
    lines = [f"\n  {name}: {text}" for name, text in found.items()]
    return f"{description}\n\nParameters:{''.join(lines)}" if lines else description


def _is_simple(annotation: Any) -> bool:
    """Whether the type consists of simple ones only."""
    if typing.get_origin(annotation) in _SIMPLE_ORIGINS:
        return all(map(_is_simple, typing.get_args(annotation)))
    return any(annotation is each for each in _SIMPLE)


def usage(parameters: list[Parameter]) -> str:
    """The parameters in the form of lightningd's help: optional ones are in brackets."""
    return " ".join(_usage_one(parameter) for parameter in parameters)


def _usage_one(parameter: Parameter) -> str:
    if parameter.kind in _VARIADIC:
        return f"[{parameter.name} ...]"
    text = parameter.name
    if not _is_simple(parameter.annotation):
        from clnwire._definition.values import hint

        text = f"{text}:{hint(parameter.annotation)}".removesuffix(":")
    return text if parameter.is_required else f"[{text}]"


def _field(parameter: Parameter, annotation: Any) -> Any:
    if parameter.is_required:
        return (parameter.name, annotation)
    default: Any = parameter.default
    # msgspec requires a factory for mutable defaults.
    if isinstance(default, (list, dict, set, bytearray)):
        return (parameter.name, annotation, msgspec.field(default_factory=default.copy))
    if isinstance(default, msgspec.Struct):
        factory = partial(msgspec.structs.replace, default)
        return (parameter.name, annotation, msgspec.field(default_factory=factory))
    return (parameter.name, annotation, default)
