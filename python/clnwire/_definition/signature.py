"""What a handler takes and gives, read from its annotations once, at registration."""

from __future__ import annotations

import typing
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
"""Parameters of these types are filled from the message itself, not from its params."""

_WITHOUT_ANNOTATIONS = (type(len), type(str.upper))
"""Functions and methods of C: they have none, and can be handlers all the same."""


class Context(Struct, frozen=True):
    """A parameter that is filled from the message itself."""

    name: str
    type: type
    position: int | None
    """Among all parameters; `None` if it can only be given by name."""


class Signature(Struct, frozen=True):
    """A handler's parameters, each with its annotation resolved (`Any` where there is none)."""

    parameters: list[Parameter]
    """Those that the params fill."""
    contexts: list[Context]
    """Those that the message fills, in their order."""


def read_signature(function: Callable[..., object], what: str) -> Signature:
    """Reads a handler's signature. `what` names it in the `UsageError` if that cannot be used."""
    refuse_generator(function, what)
    hints = _hints(function, what)
    parameters: list[Parameter] = []
    contexts: list[Context] = []
    for position, parameter in enumerate(parameters_of(function)):
        annotation = hints.get(parameter.name, Any)
        context = _context_type(annotation)
        if context is not None:
            by_name_only = parameter.kind == "keyword only"
            contexts.append(Context(parameter.name, context, None if by_name_only else position))
        else:
            parameters.append(replace(parameter, annotation=annotation))
    return Signature(parameters, contexts)


def refuse_async(function: Callable[..., object], what: str) -> None:
    """Raises `UsageError` for a function whose answer has to be there when it returns."""
    refuse_generator(function, what)
    if is_async(function):
        raise UsageError(f"{what}: takes a plain function, not an 'async def'")


def refuse_generator(function: Callable[..., object], what: str) -> None:
    """Raises `UsageError` for a function that would not run when it is called, or awaited."""
    if is_async_generator(function):
        raise UsageError(f"{what}: a handler answers once; an 'async def' with yield cannot")
    if is_generator(function):
        raise UsageError(f"{what}: a handler answers once; a function with yield cannot")


def refuse_async_in_thread(function: Callable[..., object], what: str, *, thread: bool) -> None:
    """Raises `UsageError`: a coroutine needs the event loop, a thread of the pool has none."""
    if thread and is_async(function):
        raise UsageError(f"{what}: thread=True is for plain functions, not for 'async def'")


def _context_type(annotation: Any) -> type | None:
    """`Request` or `Notification`, if the annotation is one of them, or one of them or nothing."""
    for candidate in (annotation, *typing.get_args(annotation)):
        if isinstance(candidate, type) and candidate in CONTEXTS:
            return candidate
    return None


def _hints(function: Callable[..., object], what: str) -> dict[str, Any]:
    plain = undecorated(function)
    try:
        # Python 3.14 says of an object that can be called that it has none; earlier ones raise.
        if not (hasattr(plain, "__annotations__") or isinstance(plain, _WITHOUT_ANNOTATIONS)):
            raise TypeError(f"{plain!r} is no function")
        return typing.get_type_hints(plain, include_extras=True)
    except NameError as error:
        raise UsageError(
            f"{what}: {error}; the annotations of a handler must be importable at run time, "
            "not only under TYPE_CHECKING"
        ) from None
    except Exception as error:
        # Evaluating annotations runs what they say; and not all that can be called has them.
        raise UsageError(f"{what}: the annotations cannot be read: {error}") from error


def with_contexts(
    function: Callable[..., object],
    contexts: list[Context],
    driver: Driver,
    request: type[Request] = Request,
) -> Callable[..., object]:
    """The function with those parameters filled in that come from the message.

    `request` is the kind of `Request` that suits the daemon.
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


def event_parameter(signature: Signature, what: str) -> Any:
    """The annotation of the one parameter that takes the event; `Any` if it has none.

    Raises `UsageError` if the handler does not take exactly one.
    """
    if len(signature.parameters) != 1:
        names = ", ".join(parameter.name for parameter in signature.parameters) or "none"
        raise UsageError(
            f"{what}: a handler takes exactly one parameter for the event, not {names}"
        )
    (parameter,) = signature.parameters
    if parameter.kind == "keyword only":
        raise UsageError(f"{what}: the event is passed by position; '{parameter.name}' cannot be")
    return parameter.annotation


def summary(function: Callable[..., object]) -> tuple[str, str]:
    """The docstring's first line, and all of it."""
    text = docstring(function)
    first, _, _ = text.partition("\n")
    return first.strip(), text
