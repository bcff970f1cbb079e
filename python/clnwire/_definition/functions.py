"""A function's parameters, kind and docstring, read without importing `inspect` where possible.

Importing `inspect` would make a plugin's start a sixth longer. Most handlers are plain functions,
whose code object has everything needed. `inspect` is imported for other callables only: methods,
partials, and functions with attributes (decorators set `__wrapped__`).
"""

from __future__ import annotations

from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeGuard

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Function = Callable[..., object]

REQUIRED: Final[Any] = object()
"""The default of a parameter that has no default."""

Kind = Literal["positional only", "positional", "rest", "keyword only", "named rest"]
"""A parameter's kind; `rest` is `*args`, `named rest` is `**kwargs`."""

_KINDS: Final[tuple[Kind, ...]] = (
    "positional only",
    "positional",
    "rest",
    "keyword only",
    "named rest",
)
"""Indexed by the value of `inspect.Parameter.kind`."""

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
        """Whether it has no default. Also true for `rest` and `named rest`: check `kind` first."""
        return self.default is REQUIRED


def parameters_of(function: Function) -> list[Parameter]:
    """A function's parameters, without their annotations.

    Raises `ValueError` or `TypeError` for a callable without a signature.
    """
    if _is_plain(function):
        return list(_parameters(function))
    from inspect import signature

    return [
        Parameter(
            each.name, _KINDS[each.kind], REQUIRED if each.default is each.empty else each.default
        )
        for each in signature(function).parameters.values()
    ]


def is_async(function: Function) -> bool:
    """Whether it is an `async def`, or an object whose `__call__` is one."""
    return _is(function, _IS_COROUTINE, "iscoroutinefunction")


def is_async_generator(function: Function) -> bool:
    """Whether it is an `async def` with `yield`, or an object whose `__call__` is one."""
    return _is(function, _IS_ASYNC_GENERATOR, "isasyncgenfunction")


def is_generator(function: Function) -> bool:
    """Whether it is a `def` with `yield`, or an object whose `__call__` is one."""
    return _is(function, _IS_GENERATOR, "isgeneratorfunction")


def _is(function: Function, flag: int, asked: str) -> bool:
    """Whether a function's code has the flag; for other callables, what `inspect` says."""
    if _is_plain(function):
        return bool(function.__code__.co_flags & flag)
    import inspect

    ask = getattr(inspect, asked)
    return bool(ask(function) or ask(_call_of(function)))


def undecorated(function: Function) -> Function:
    """The function that has the annotations: under decorators and partials, or an object's
    `__call__`."""
    if _is_plain(function):
        return function
    from inspect import unwrap

    inner: Function = unwrap(function)
    while isinstance(inner, partial):
        inner = unwrap(inner.func)
    call = _call_of(inner)
    return unwrap(call) if isinstance(call, FunctionType) else inner


def docstring(function: Function) -> str:
    """The docstring without its indentation; empty if there is none."""
    if _is_plain(function):
        return _without_indentation(function.__doc__ or "")
    from inspect import getdoc

    while isinstance(function, partial):
        function = function.func
    return getdoc(function) or ""


def _call_of(function: object) -> object:
    """The `__call__` of an object's class."""
    return getattr(type(function), "__call__", None)  # noqa: B004 - the method itself is asked for


def _is_plain(function: object) -> TypeGuard[FunctionType]:
    """Whether it is a Python function without attributes, so that no decorator marked it."""
    return type(function) is FunctionType and not function.__dict__


def _parameters(function: FunctionType) -> Iterator[Parameter]:
    code = function.__code__
    by_position = code.co_argcount
    by_name = by_position + code.co_kwonlyargcount
    defaults = function.__defaults__ or ()
    first_default = by_position - len(defaults)
    variadic = iter(code.co_varnames[by_name:])
    rest = next(variadic) if code.co_flags & _HAS_REST else None
    named_rest = next(variadic) if code.co_flags & _HAS_NAMED_REST else None
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


def _without_indentation(text: str) -> str:
    first, newline, others = text.expandtabs().partition("\n")
    if not newline:
        return first.lstrip()
    from textwrap import dedent

    return f"{first.lstrip()}\n{dedent(others)}".strip("\n")
