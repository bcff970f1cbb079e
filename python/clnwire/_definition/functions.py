"""What a function says of itself, read without `inspect` where that can be done.

Importing `inspect` would make a plugin's start a sixth longer. Nearly every handler is a plain
function, and has in its code object all that is asked for; anything else (a method, a partial, a
function that a decorator has left its mark on) is left to `inspect`.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeGuard

from msgspec import Struct

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Iterator
    from types import CodeType

    Function = Callable[..., object]

REQUIRED: Final[Any] = object()
"""In the place of a default: there is none."""

Kind = Literal["positional only", "positional", "rest", "keyword only", "named rest"]
"""How a parameter is given; `rest` is `*args`, `named rest` is `**kwargs`."""

_KINDS: Final[tuple[Kind, ...]] = (
    "positional only",
    "positional",
    "rest",
    "keyword only",
    "named rest",
)
"""In the order of `inspect`'s numbers for them, which is that in a signature as well."""

# Flags of code objects, as documented for `inspect`.
_HAS_REST, _HAS_NAMED_REST, _IS_COROUTINE = 0x4, 0x8, 0x80
_IS_GENERATOR, _IS_ASYNC_GENERATOR = 0x20, 0x200


class Parameter(Struct, frozen=True):
    """A function's parameter."""

    name: str
    kind: Kind
    default: Any
    """`REQUIRED` if it has none."""
    annotation: Any = Any

    @property
    def is_required(self) -> bool:
        """Whether a call must give it; `rest` and `named rest` stand for any number."""
        return self.default is REQUIRED


def parameters_of(function: Function) -> list[Parameter]:
    """A function's parameters, without their annotations.

    Raises `ValueError` or `TypeError` for what has no signature.
    """
    if _is_plain(function):
        return list(_parameters(function))
    from inspect import signature

    return [
        Parameter(each.name, _KINDS[each.kind], _default(each))
        for each in signature(function).parameters.values()
    ]


def is_async(function: Function) -> bool:
    """Whether calling it gives a coroutine: `async def`, or an object with such a `__call__`."""
    if _is_plain(function):
        return bool(function.__code__.co_flags & _IS_COROUTINE)
    from inspect import iscoroutinefunction

    return iscoroutinefunction(function) or iscoroutinefunction(_call_of(function))


def is_async_generator(function: Function) -> bool:
    """Whether it is an `async def` with `yield`."""
    if _is_plain(function):
        return bool(function.__code__.co_flags & _IS_ASYNC_GENERATOR)
    from inspect import isasyncgenfunction

    return isasyncgenfunction(function) or isasyncgenfunction(_call_of(function))


def is_generator(function: Function) -> bool:
    """Whether it is a plain function with `yield`."""
    if _is_plain(function):
        return bool(function.__code__.co_flags & _IS_GENERATOR)
    from inspect import isgeneratorfunction

    return isgeneratorfunction(function) or isgeneratorfunction(_call_of(function))


def undecorated(function: Function) -> Function:
    """The function inside what decorators made of it, which has the annotations."""
    if _is_plain(function):
        return function
    from inspect import unwrap

    inner: Function = unwrap(function)
    return inner


def docstring(function: Function) -> str:
    """The docstring without its indentation; empty if there is none."""
    if _is_plain(function):
        return _without_indentation(function.__doc__ or "")
    from inspect import getdoc

    return getdoc(function) or ""


def _call_of(function: object) -> object:
    """The method that runs when an object is called."""
    return getattr(type(function), "__call__", None)  # noqa: B004 - the method itself is asked for


def _is_plain(function: object) -> TypeGuard[FunctionType]:
    """Whether it is a function that nothing has been attached to."""
    return type(function) is FunctionType and not function.__dict__


def _parameters(function: FunctionType) -> Iterator[Parameter]:
    code = function.__code__
    by_position = code.co_argcount
    by_name = by_position + code.co_kwonlyargcount
    defaults = function.__defaults__ or ()
    first_default = by_position - len(defaults)
    rest, named_rest = _catching(code)
    for position, name in enumerate(code.co_varnames[:by_position]):
        kind: Kind = "positional only" if position < code.co_posonlyargcount else "positional"
        has_default = position >= first_default
        yield Parameter(name, kind, defaults[position - first_default] if has_default else REQUIRED)
    if rest is not None:
        yield Parameter(rest, "rest", REQUIRED)
    named_defaults = function.__kwdefaults__ or {}
    for name in code.co_varnames[by_position:by_name]:
        yield Parameter(name, "keyword only", named_defaults.get(name, REQUIRED))
    if named_rest is not None:
        yield Parameter(named_rest, "named rest", REQUIRED)


def _default(parameter: inspect.Parameter) -> object:
    return REQUIRED if parameter.default is parameter.empty else parameter.default


def _catching(code: CodeType) -> tuple[str | None, str | None]:
    """The names behind `*` and `**`, if there are any."""
    names = iter(code.co_varnames[code.co_argcount + code.co_kwonlyargcount :])
    rest = next(names) if code.co_flags & _HAS_REST else None
    return rest, next(names) if code.co_flags & _HAS_NAMED_REST else None


def _without_indentation(text: str) -> str:
    first, newline, others = text.expandtabs().partition("\n")
    if not newline:
        return first.lstrip()
    from textwrap import dedent

    return f"{first.lstrip()}\n{dedent(others)}".strip("\n")
