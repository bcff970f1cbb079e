"""RPC methods that the plugin offers: decoding of params, and calling the function with them."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any, cast

import msgspec

from clnwire._definition.functions import is_async
from clnwire._definition.signature import read_signature, refuse_async_in_thread, summary
from clnwire._wire.codec import is_finite
from clnwire.error_codes import INVALID_PARAMS
from clnwire.errors import RpcError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clnwire._definition.functions import Kind, Parameter
    from clnwire._definition.signature import Signature

_VARIADIC: tuple[Kind, ...] = ("rest", "named rest")


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
        self.contexts = signature.contexts
        self.usage = usage(signature.parameters)
        first, whole = summary(function)
        self.description = description or first or f"{name} {self.usage}".rstrip()
        self.long_description = whole or self.description
        self.category, self.deprecated = category, deprecated
        self.params = Params(name, signature)


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
        self._takes_floats = any(_takes_float(p.annotation) for p in parameters)
        self._arguments = self._struct(self._named, array_like=False)
        self._by_name = self._decoder(self._arguments)
        self._by_position = self._decoder(self._struct(self._positional, array_like=True))

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
                return self._by_name(params) if first == b"{" else self._by_position(params)
            except (msgspec.MsgspecError, RecursionError):
                # Decode the parameters one by one, to accept what only msgspec refuses or to name
                # the wrong one.
                pass
        return self._decode_each(params)

    def _needs_care(self, first: bytes, params: bytes) -> bool:
        """Whether msgspec's decoding of all params at once could be wrong.

        By position, null stands for a parameter that is left out, and required keyword-only
        parameters cannot be given. For floats, msgspec accepts the strings "nan" and "inf".
        """
        if first == b"[" and (b"null" in params or self._needs_names):
            return True
        return self._takes_floats and _may_name_no_number(params)

    def _decode_each(self, params: bytes) -> Any:
        args, named = self._collect(params)
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

    def _decoder(self, struct: type[msgspec.Struct]) -> Callable[[bytes], Any]:
        if self._variadic:
            return self._collect
        return msgspec.json.Decoder(struct, strict=False).decode

    def _struct(self, parameters: list[Parameter], *, array_like: bool) -> type[msgspec.Struct]:
        try:
            struct = msgspec.defstruct(
                self._method,
                [_field(parameter) for parameter in parameters],
                forbid_unknown_fields=True,
                array_like=array_like,
                kw_only=not array_like,
            )
            msgspec.json.Decoder(struct)
        except TypeError as error:
            raise UsageError(f"method '{self._method}': {error}") from None
        return struct

    def _collect(self, params: bytes) -> tuple[list[Any], dict[str, Any]]:
        """Decodes each argument separately."""
        given = split(params)
        if isinstance(given, list):
            return self._collect_positions(given), {}
        return self._collect_names(given)

    def _collect_positions(self, values: list[bytes]) -> list[Any]:
        rest = self._variadic_parameter("rest")
        self._require({p.name for p in self._positional[: len(values)]}, by_position=True)
        if rest is None and len(values) > len(self._positional):
            raise self._invalid(
                f"takes at most {_counted(len(self._positional))}, {len(values)} were given"
            )
        taking: list[Parameter] = [*self._positional]
        if rest is not None:
            taking += [rest] * (len(values) - len(taking))
        return [self._at_position(p, value) for p, value in zip(taking, values, strict=False)]

    def _at_position(self, parameter: Parameter, value: bytes) -> Any:
        """Decodes one value. By position, null means that an optional parameter is left out."""
        if value == b"null" and not parameter.is_required:
            return parameter.default
        return self._decode_one(parameter, value)

    def _collect_names(self, values: dict[str, bytes]) -> tuple[list[Any], dict[str, Any]]:
        rest = self._variadic_parameter("named rest")
        named = {p.name: p for p in self._named}
        for name in values:
            if name not in named and (rest is None or name in self._filled):
                raise self._invalid(f"unknown parameter '{name}'")
        self._require(set(values))
        found = {
            name: self._decode_one(named.get(name, rest), value) for name, value in values.items()
        }
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

    def _decode_one(self, parameter: Parameter | None, value: bytes) -> Any:
        name, kind = ("", Any) if parameter is None else (parameter.name, parameter.annotation)
        if kind is msgspec.Raw:
            return msgspec.Raw(value)
        try:
            decoded = _decode_value(value, kind)
        except msgspec.ValidationError as error:
            raise self._invalid(_located(name, str(error))) from None
        if _takes_float(kind) and _may_name_no_number(value) and not is_finite(decoded):
            raise self._invalid(f"parameter '{name}': must be a number, not {value.decode()}")
        return decoded

    def _invalid(self, problem: str) -> RpcError:
        hint = f"{self._method} {self._usage}".rstrip()
        return RpcError(INVALID_PARAMS, f"{self._method}: {problem} (usage: {hint})")


def split(params: bytes) -> list[bytes] | dict[str, bytes]:
    """The JSON text of each argument, by position (array) or by name (object)."""
    try:
        given: Any = msgspec.json.decode(params, type=list[msgspec.Raw] | dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError):
        from clnwire._wire import tolerant

        if params[:1] == b"[":
            return tolerant.items(params)
        return {tolerant.loads(name): value for name, value in tolerant.members(params)}
    if isinstance(given, list):
        return [bytes(value) for value in cast("list[msgspec.Raw]", given)]
    return {name: bytes(value) for name, value in given.items()}


def _decode_value(value: bytes, kind: Any) -> Any:
    """Raises `msgspec.ValidationError`."""
    try:
        return msgspec.json.decode(value, type=kind, strict=False)
    except (msgspec.MsgspecError, RecursionError):
        from clnwire._wire import tolerant

        return tolerant.decode(value, kind, strict=False)


def _located(name: str, problem: str) -> str:
    """msgspec's error message with the parameter's name in place of its root, `$`."""
    text, _, place = problem.rpartition(" - at `$")
    if not text:
        return f"parameter '{name}': {problem}"
    return f"parameter '{name}', at '{name}{place[:-1]}': {text}"


def _takes_float(annotation: Any) -> bool:
    """Whether the type is `float` or contains it."""
    return annotation is float or any(_takes_float(each) for each in typing.get_args(annotation))


def _may_name_no_number(text: bytes) -> bool:
    """Whether the text could contain the string "nan" or "inf", which msgspec converts to a float.

    Unicode escapes may spell them too. False positives only cost a slower check.
    """
    lower = text.lower()
    return b"nan" in lower or b"inf" in lower or b"\\u" in lower


def usage(parameters: list[Parameter]) -> str:
    """The parameters in the form of lightningd's help: optional ones are in brackets."""
    return " ".join(_usage_one(parameter) for parameter in parameters)


def _usage_one(parameter: Parameter) -> str:
    if parameter.kind in _VARIADIC:
        return f"[{parameter.name} ...]"
    return parameter.name if parameter.is_required else f"[{parameter.name}]"


def _field(parameter: Parameter) -> Any:
    kind = msgspec.inspect.type_info(parameter.annotation)
    if isinstance(kind, msgspec.inspect.CustomType) and kind.cls is not object:
        raise TypeError(f"parameter '{parameter.name}': JSON has no {parameter.annotation}")
    if parameter.is_required:
        return (parameter.name, parameter.annotation)
    default: Any = parameter.default
    if isinstance(default, (list, dict, set, bytearray)):
        # msgspec requires a factory for mutable defaults.
        return (parameter.name, parameter.annotation, msgspec.field(default_factory=default.copy))
    return (parameter.name, parameter.annotation, default)


def _counted(count: int) -> str:
    return f"{count} parameter" if count == 1 else f"{count} parameters"
