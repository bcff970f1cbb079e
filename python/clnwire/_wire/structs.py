"""What the Structs of the daemon's messages have in common.

The options are those that measure best (`benches/messages.py`): without the garbage collector's
bookkeeping an event decodes about a tenth sooner, and `frozen` costs nothing.

A member that is not there is `None`, in events and in answers alike, and is left out again when
the message is encoded.
"""

from __future__ import annotations

import types
from functools import cache
from typing import (
    TYPE_CHECKING,
    Any,
    NewType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from msgspec import Struct

from clnwire.errors import InvalidAnswerError


class Event(Struct, frozen=True, gc=False, omit_defaults=True):
    """What the daemon tells. Members that are not listed here are ignored."""

    if not TYPE_CHECKING:
        # Type checkers must go on refusing it.
        def __getitem__(self, name: object) -> object:
            raise TypeError(
                f"{type(self).__name__} has members, not items: write event.{name}, or annotate "
                "the handler's parameter as dict to get one"
            )


class HookAnswer(Struct, frozen=True, gc=False, omit_defaults=True):
    """What goes back to the daemon. Raises `InvalidAnswerError` if it is built wrong."""

    def __post_init__(self) -> None:
        for check in _checks(type(self)):
            problem = check.problem(getattr(self, check.name))
            if problem is not None:
                self._refuse(check.name, problem)

    def _refuse(self, member: str, problem: str) -> None:
        raise InvalidAnswerError(f"{type(self).__name__}: {member} {problem}")


class _Check(Struct, frozen=True):
    """What a member of an answer must be."""

    name: str
    kinds: tuple[type, ...]
    rules: tuple[Any, ...]
    """Those of `clnwire.types` in its annotation that say when a value is wrong."""

    def problem(self, value: object) -> str | None:
        """What is wrong with the value, if anything."""
        if value is None and type(None) in self.kinds:
            return None
        if not isinstance(value, self.kinds) or (
            isinstance(value, bool) and bool not in self.kinds
        ):
            return f"must be {self._wanted()}, not {type(value).__name__}"
        problems = (rule.problem(value) for rule in self.rules)
        return next((problem for problem in problems if problem is not None), None)

    def _wanted(self) -> str:
        return " or ".join(kind.__name__ for kind in self.kinds if kind is not type(None))


@cache
def _checks(answer: type[HookAnswer]) -> list[_Check]:
    """Made when an answer is built for the first time: most plugins build few kinds."""
    hints = get_type_hints(answer, include_extras=True)
    checks: list[_Check] = []
    for name in answer.__struct_fields__:
        kinds: list[type] = []
        rules: list[Any] = []
        _take_apart(hints[name], kinds, rules)
        if object not in kinds:
            judging = tuple(rule for rule in rules if hasattr(rule, "problem"))
            checks.append(_Check(name, tuple(kinds), judging))
    return checks


def _take_apart(annotation: Any, kinds: list[type], rules: list[Any]) -> None:
    """An annotation's run-time types, and what stands in its `Annotated`."""
    if annotation is Any:
        kinds.append(object)
    elif isinstance(annotation, NewType):
        _take_apart(annotation.__supertype__, kinds, rules)
    elif hasattr(annotation, "__metadata__"):
        rules.extend(annotation.__metadata__)
        _take_apart(annotation.__origin__, kinds, rules)
    elif get_origin(annotation) in (Union, types.UnionType):
        for each in get_args(annotation):
            _take_apart(each, kinds, rules)
    else:
        kinds.append(get_origin(annotation) or annotation)
