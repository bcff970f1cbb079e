"""A handler's signature. It is read once, at registration."""

from __future__ import annotations

import typing
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from clnwire._definition.functions import (
    Parameter,
    docstring,
    is_async,
    is_async_generator,
    is_generator,
    parameters_of,
    undecorated,
)
from clnwire._definition.requests import Notification, Request
from clnwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._core import Driver

CONTEXTS: dict[type, Callable[[Driver], object]] = {Request: Request, Notification: Notification}
"""Parameters of these types do not come from the params: the factory makes their value."""

_WITHOUT_ANNOTATIONS = (type(len), type(str.upper))
"""Types of functions and methods implemented in C: they may be handlers without annotations."""


class Context(Struct, frozen=True):
    """A parameter of type `Request` or `Notification`."""

    name: str
    type: type  # noqa: A003 - no annotation below it is `type`
    position: int | None
    """The index among all parameters; `None` for a keyword-only one."""


class Signature(Struct, frozen=True):
    """A handler's parameters with resolved annotations (`Any` for a missing one)."""

    parameters: list[Parameter]
    """The parameters that a call's params, or an event, fill."""
    contexts: list[Context]
    """The parameters of type `Request` or `Notification`, in order."""


def read_signature(function: Callable[..., object], what: str) -> Signature:
    """Reads a handler's signature.

    Raises `UsageError` if the function cannot be a handler; `what` names it in the message.
    """
    refuse_generator(function, what)
    hints = _hints(function, what)
    given = parameters_of(function)
    if isinstance(function, partial):
        given = [each for each in given if each.name not in function.keywords]
    parameters: list[Parameter] = []
    contexts: list[Context] = []
    for position, parameter in enumerate(given):
        annotation = hints.get(parameter.name, Any)
        context = _context_type(annotation)
        if context is not None:
            by_name_only = parameter.kind == "keyword only"
            contexts.append(Context(parameter.name, context, None if by_name_only else position))
        else:
            parameters.append(replace(parameter, annotation=annotation))
    return Signature(parameters, contexts)


def must_be_function(function: object, decorator: str, *, most: int) -> None:
    """Raises `UsageError` for what cannot be called with one argument, or with none (`most`)."""
    if not callable(function):
        raise UsageError(f"write @plugin.{decorator}, without parentheses, above a function")
    refuse_generator(function, decorator)
    try:
        given = parameters_of(function)
    except (TypeError, ValueError):
        return  # C functions may have no signature.
    variadic = ("rest", "named rest")
    needed = [each for each in given if each.is_required and each.kind not in variadic]
    if len(needed) > most or any(each.kind == "keyword only" for each in needed):
        takes = "one parameter at most, the Init" if most else "no parameters"
        names = ", ".join(each.name for each in needed)
        raise UsageError(
            f"{decorator}: the function takes {takes}, not {names}; use the plugin object itself"
        )


def refuse_async(function: Callable[..., object], what: str) -> None:
    """Raises `UsageError` for an `async def`, where clnwire needs the result at once."""
    refuse_generator(function, what)
    if is_async(function):
        raise UsageError(f"{what}: takes a plain function, not an 'async def'")


def refuse_generator(function: Callable[..., object], what: str) -> None:
    """Raises `UsageError` for a function with `yield`: calling it would not run its body."""
    if is_async_generator(function):
        raise UsageError(f"{what}: an 'async def' with yield cannot be registered")
    if is_generator(function):
        raise UsageError(f"{what}: a function with yield cannot be registered")


def refuse_async_in_thread(function: Callable[..., object], what: str, *, thread: bool) -> None:
    """Raises `UsageError` for an `async def` with `thread=True`: threads have no event loop."""
    if thread and is_async(function):
        raise UsageError(f"{what}: thread=True is for plain functions, not for 'async def'")


def _context_type(annotation: Any) -> type | None:
    """`Request` or `Notification`, if the annotation is one of them or a union with one."""
    for candidate in (annotation, *typing.get_args(annotation)):
        if isinstance(candidate, type) and candidate in CONTEXTS:
            return candidate
    return None


def _hints(function: Callable[..., object], what: str) -> dict[str, Any]:
    plain = undecorated(function)
    try:
        # For a callable object without annotations, `get_type_hints` raises TypeError only before
        # Python 3.14, so do the same for all versions.
        if not (hasattr(plain, "__annotations__") or isinstance(plain, _WITHOUT_ANNOTATIONS)):
            raise TypeError(f"{plain!r} is not a function")
        return typing.get_type_hints(plain, include_extras=True)
    except NameError as error:
        raise UsageError(
            f"{what}: {error}; the annotations of a handler must be importable at run time, "
            "not only under TYPE_CHECKING"
        ) from None
    except Exception as error:
        # Annotations are evaluated as code, which may raise anything.
        raise UsageError(f"{what}: the annotations cannot be read: {error}") from error


def with_contexts(
    function: Callable[..., object],
    contexts: list[Context],
    driver: Driver,
    request: type[Request] = Request,
) -> Callable[..., object]:
    """The function with its `Request` and `Notification` parameters filled in.

    `request` is the class of `Request` for the daemon's dialect.
    """
    if not contexts:
        return function
    kinds: dict[type, Callable[[Driver], object]] = {**CONTEXTS, Request: request}

    def call(*given: Any, **named: Any) -> object:
        args = list(given)
        for context in contexts:
            value = kinds[context.type](driver)
            if context.position is not None and context.position <= len(args):
                args.insert(context.position, value)
            else:
                named[context.name] = value
        return function(*args, **named)

    return call


def event_parameter(signature: Signature, what: str, event: Any = None) -> Any:
    """The annotation of the parameter that takes the event; `Any` if it has none.

    Raises `UsageError` if the handler does not take exactly one; others may have defaults. `event`
    is the event's Struct, for the message.
    """
    given = signature.parameters
    if [each.kind for each in given] == ["rest", "named rest"]:  # a decorator's function
        given = given[:1]
    # Those that pyln-client would fill in get no value here.
    filled = ("plugin", "request")
    given = given[:1] + [each for each in given[1:] if each.is_required or each.name in filled]
    if len(given) != 1:
        names = ", ".join(parameter.name for parameter in signature.parameters) or "none"
        kind = "dict" if event is None else event.__name__
        raise UsageError(
            f"{what}: a handler takes exactly one parameter for the event, not {names}; write "
            f"def handler(event: {kind}), and use event.MEMBER and the plugin object itself"
        )
    (parameter,) = given
    if parameter.kind in ("keyword only", "named rest"):
        raise UsageError(f"{what}: the event is passed by position, '{parameter.name}' cannot be")
    return parameter.annotation


def summary(function: Callable[..., object]) -> tuple[str, str]:
    """The first line of the docstring, and the whole docstring."""
    text = docstring(function)
    first, _, _ = text.partition("\n")
    return first.strip(), text
