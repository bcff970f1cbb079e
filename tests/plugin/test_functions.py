"""What is read of a function without `inspect` is what `inspect` would have said."""

from __future__ import annotations

import functools
import inspect
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clnwire._definition.functions import (
    REQUIRED,
    docstring,
    is_async,
    is_async_generator,
    parameters_of,
    undecorated,
)

KINDS = {
    "positional only": inspect.Parameter.POSITIONAL_ONLY,
    "positional": inspect.Parameter.POSITIONAL_OR_KEYWORD,
    "rest": inspect.Parameter.VAR_POSITIONAL,
    "keyword only": inspect.Parameter.KEYWORD_ONLY,
    "named rest": inspect.Parameter.VAR_KEYWORD,
}


def plain(a, b=2):
    """One line, and a blank at its end"""


async def coroutine(a: int, /, *, b: str = "x") -> None:
    """
    The text begins on the second line.

        An indented part.
    \tA tab.
    """


async def generator():
    yield 1


def iterator(*args, **kwargs):
    """One.

    Two.
    """
    local = args
    yield local, kwargs


@functools.wraps(plain)
def wrapping(*args: Any, **kwargs: Any) -> None:
    plain(*args, **kwargs)


@functools.wraps(coroutine)
def wrapping_coroutine(*args: Any, **kwargs: Any) -> Any:
    return coroutine(*args, **kwargs)


def with_another_signature(*args: Any) -> None: ...


with_another_signature.__signature__ = inspect.signature(plain)  # type: ignore[attr-defined]


class Callable:
    """A class's text."""

    def __init__(self, first, second=2):
        self.first = first

    def __call__(self, event, *, late=None):
        """What a call does."""

    async def method(self, event):
        """What the method does."""

    @classmethod
    def of_class(cls, event): ...

    @staticmethod
    def of_none(event): ...


class AsyncCallable:
    async def __call__(self, event): ...


PARTIAL_COROUTINE = functools.partial(coroutine, 1)
ASYNC_METHOD = Callable(1).method
ASYNC_CALLABLE = AsyncCallable()
FUNCTIONS = [
    plain,
    coroutine,
    generator,
    iterator,
    wrapping,
    wrapping_coroutine,
    with_another_signature,
    lambda *, a, b=1: None,
    functools.partial(plain, 1),
    PARTIAL_COROUTINE,
    functools.partial(functools.partial(plain, 1), b=3),
    Callable,
    Callable(1),
    ASYNC_METHOD,
    Callable.of_class,
    Callable.of_none,
    ASYNC_CALLABLE,
    len,
]


def with_inspect(function: Any) -> list[tuple[str, Any, Any]]:
    parameters = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, each.default) for each in parameters]


def without_inspect(function: Any) -> list[tuple[str, Any, Any]]:
    return [
        (each.name, KINDS[each.kind], inspect.Parameter.empty if each.is_required else each.default)
        for each in parameters_of(function)
    ]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_it_says_what_inspect_says(function):
    assert without_inspect(function) == with_inspect(function)
    if isinstance(inspect.unwrap(function), (functools.partial, Callable, AsyncCallable)):
        assert inspect.isfunction(undecorated(function))
        return
    assert docstring(function).rstrip() == (inspect.getdoc(function) or "").rstrip()
    assert undecorated(function) is inspect.unwrap(function)
    assert is_async_generator(function) is inspect.isasyncgenfunction(function)


def test_what_has_to_be_awaited():
    awaited = [function for function in FUNCTIONS if is_async(function)]
    assert awaited == [coroutine, PARTIAL_COROUTINE, ASYNC_METHOD, ASYNC_CALLABLE]


def test_what_has_no_signature():
    with pytest.raises(ValueError, match="no signature found"):
        parameters_of(type)


@given(
    positional_only=st.integers(0, 3),
    positional=st.integers(0, 3),
    defaults=st.integers(0, 6),
    rest=st.booleans(),
    keyword_only=st.lists(st.booleans(), max_size=3),
    named_rest=st.booleans(),
    local=st.booleans(),
)
def test_any_signature(
    positional_only, positional, defaults, rest, keyword_only, named_rest, local
):
    """All kinds of parameters beside each other, with and without defaults."""
    names = (f"p{number}" for number in itertools.count())
    total = positional_only + positional
    parts = [
        f"{next(names)}={position}" if position >= total - defaults else next(names)
        for position in range(total)
    ]
    if positional_only:
        parts.insert(positional_only, "/")
    if rest or keyword_only:
        parts.append("*args" if rest else "*")
    parts += [f"{next(names)}='x'" if default else next(names) for default in keyword_only]
    if named_rest:
        parts.append("**kwargs")
    space: dict[str, Any] = {}
    exec(f"def function({', '.join(parts)}):\n {'local = 1' if local else 'pass'}", space)
    assert without_inspect(space["function"]) == with_inspect(space["function"])


def test_a_default_of_none_is_one():
    def function(a, b=None): ...

    first, second = parameters_of(function)
    assert first.default is REQUIRED
    assert second.default is None
    assert not second.is_required
