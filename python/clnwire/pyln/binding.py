"""Binds the params of a message to a handler's parameters, as pyln-client does.

`plugin` and `request` are injected wherever they stand. Errors are those of
`inspect.Signature.bind`, which is used only where the quick way does not apply: importing `inspect`
takes a tenth of a plugin's start.
"""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from clnwire.pyln.millisatoshi import Millisatoshi

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable

INJECTED: Final = ("plugin", "request")
_VAR_POSITIONAL: Final = 0x04
"""`inspect.CO_VARARGS`."""
_VAR_KEYWORD: Final = 0x08
"""`inspect.CO_VARKEYWORDS`."""


class Parameters:
    """The parameters of a plain function or bound method, read from its code."""

    def __init__(self, function: FunctionType, skipped: int) -> None:
        code, defaults = function.__code__, function.__defaults__ or ()
        positional = code.co_varnames[: code.co_argcount]
        self.names: Final = positional[skipped:]
        """Those that may be given by position."""
        only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        self.known: Final = frozenset((*self.names, *only))
        optional = (
            *positional[len(positional) - len(defaults) :],
            *(function.__kwdefaults__ or ()),
        )
        self.needed: Final = tuple(self.known.difference(optional, INJECTED))
        """Those that a caller has to give."""
        self.takes_more: Final = bool(code.co_flags & _VAR_KEYWORD)
        hints = getattr(function, "__annotations__", {})
        rest = code.co_argcount + code.co_kwonlyargcount
        self.is_plain: Final = not (
            code.co_posonlyargcount
            or code.co_flags & _VAR_POSITIONAL
            or (self.takes_more and hints.get(code.co_varnames[rest]) is Millisatoshi)
            or hasattr(function, "__wrapped__")
            or hasattr(function, "__signature__")
        )
        """Whether every argument can be given by its name."""
        self.given: Final = tuple(name for name in self.names if name not in INJECTED)
        """Those that a caller gives by position."""
        self.injected: Final = tuple(name for name in INJECTED if name in self.known)
        self.amounts: Final = tuple(
            name for name in (*self.names, *only) if hints.get(name) is Millisatoshi
        )

    def accept(self, params: dict[str, Any]) -> bool:
        """Whether a call with these, by name, fits."""
        for name in self.needed:
            if name not in params:
                return False
        return self.takes_more or params.keys() <= self.known


_READ: Final[dict[FunctionType | tuple[FunctionType], Parameters | None]] = {}
"""A function, or one in a tuple if its first argument is bound → its parameters, as below."""


def parameters_of(function: Callable[..., Any]) -> Parameters | None:
    """The parameters of a plain function or a bound method of one; `None` for other callables."""
    key: FunctionType | tuple[FunctionType]
    if isinstance(function, FunctionType):
        plain = key = function
    elif isinstance(function, MethodType) and isinstance(function.__func__, FunctionType):
        plain = function.__func__
        key = (plain,)
    else:
        return None
    if key not in _READ:
        found = Parameters(plain, skipped=int(plain is not function))
        _READ[key] = found if found.is_plain else None
    return _READ[key]


def takes_more_keywords(function: Callable[..., Any]) -> bool:
    """Whether the function has a parameter such as `**kwargs`."""
    parameters = parameters_of(function)
    if parameters is not None:
        return parameters.takes_more
    return any(each.kind is each.VAR_KEYWORD for each in _signature(function).parameters.values())


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    import inspect

    return inspect.signature(function)


def inject(params: dict[str, Any], takes: tuple[str, ...], plugin: object, request: object) -> None:
    """Puts the injected arguments into the message's own params; others of their names go."""
    if "plugin" in takes:
        params["plugin"] = plugin
    else:
        params.pop("plugin", None)
    if "request" in takes:
        params["request"] = request
    else:
        params.pop("request", None)


def bind_names(
    function: Callable[..., Any], params: dict[str, Any], plugin: object, request: object
) -> inspect.BoundArguments:
    """Binds params by name. Raises `TypeError`."""
    signature = _signature(function)
    takes = tuple(name for name in INJECTED if name in signature.parameters)
    inject(params, takes, plugin, request)
    bound = signature.bind(**params)
    coerce(function, bound.arguments)
    return bound


def bind_positions(
    function: Callable[..., Any], params: list[Any], plugin: object, request: object
) -> inspect.BoundArguments:
    """Binds params by position, and the injected ones by where they stand. Raises `TypeError`."""
    signature = _signature(function)
    injected = {"plugin": plugin, "request": request}
    rest, arguments, names = list(params), list[Any](), dict[str, Any]()
    may_follow = True
    for name, parameter in signature.parameters.items():
        by_position = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        if name in injected and by_position and may_follow:
            arguments.append(injected[name])
        elif name in injected:
            names[name] = injected[name]
        elif by_position and rest and may_follow:
            arguments.append(rest.pop(0))
        elif by_position:
            may_follow = False
    bound = signature.bind(*arguments, *rest, **names)
    coerce(function, bound.arguments)
    bound.apply_defaults()
    return bound


def quick_arguments(
    function: Callable[..., Any], params: dict[str, Any], plugin: object, request: object
) -> dict[str, Any] | None:
    """The arguments by name, as `bind_names` would bind them; `None` if it has to do it."""
    # Others may have no hash.
    known = _READ.get(function) if function.__class__ is FunctionType else None
    parameters = known or parameters_of(function)
    if parameters is None:
        return None
    inject(params, parameters.injected, plugin, request)
    if parameters.accept(params):
        return _with_amounts(params, parameters) if parameters.amounts else params
    return None


def quick_positions(
    function: Callable[..., Any], params: list[Any], plugin: object, request: object
) -> dict[str, Any] | None:
    """The arguments by name, as `bind_positions` would bind them; `None` if it has to do it."""
    parameters = parameters_of(function)
    if parameters is None or len(params) > len(parameters.given):
        return None
    # Those that are not given may have defaults.
    arguments = dict(zip(parameters.given, params))  # noqa: B905
    inject(arguments, parameters.injected, plugin, request)
    if parameters.accept(arguments):
        return _with_amounts(arguments, parameters) if parameters.amounts else arguments
    return None


def _with_amounts(arguments: dict[str, Any], parameters: Parameters) -> dict[str, Any]:
    names = [name for name in parameters.amounts if name in arguments]
    return {**arguments, **{name: Millisatoshi(arguments[name]) for name in names}}


def coerce(function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    """Converts the arguments that are annotated as `Millisatoshi`. Raises `TypeError`."""
    hints = getattr(function, "__annotations__", {})
    for name, value in arguments.items():
        if hints.get(name) == Millisatoshi:
            arguments[name] = Millisatoshi(value)
