"""Base Structs of the daemon's messages.

`gc=False` makes decoding about 10 % faster, and `frozen=True` does not make it slower
(`benches/messages.py`).

A member that is missing in a message is `None`. Members that are `None` are left out when a message
is encoded.
"""

import types
from functools import cache
from typing import TYPE_CHECKING, Any, NewType, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from clnwire.errors import InvalidAnswerError


class Event(Struct, frozen=True, gc=False, omit_defaults=True):
    """A message from the daemon. Members that the Struct does not list are ignored."""

    if not TYPE_CHECKING:
        # Hidden from type checkers, which are to report subscripts as errors.
        def __getitem__(self, name: object) -> object:
            raise TypeError(
                f"{type(self).__name__} has members, not items: write event.{name}, or annotate "
                "the handler's parameter as dict to get one"
            )


class HookAnswer(Struct, frozen=True, gc=False, omit_defaults=True):
    """A hook's answer. Raises `InvalidAnswerError` if a member has a wrong type or value."""

    def __post_init__(self) -> None:
        for check in _checks(type(self)):
            problem = check.problem(getattr(self, check.name))
            if problem is not None:
                self._refuse(check.name, problem)

    def _refuse(self, member: str, problem: str) -> None:
        raise InvalidAnswerError(f"{type(self).__name__}: {member} {problem}")


class _Check(Struct, frozen=True):
    """The check of one member of an answer."""

    name: str
    kinds: tuple[type, ...]
    rules: tuple[Any, ...]
    """The markers of `clnwire.types` in the member's annotation that have a `problem` method."""

    def problem(self, value: object) -> str | None:
        """Why the value is wrong; `None` if it is right."""
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
    """The checks of an answer's members. Built on first use: most plugins use few answers."""
    hints = get_type_hints(answer, include_extras=True)
    checks: list[_Check] = []
    for name in answer.__struct_fields__:
        kinds: list[type] = []
        rules: list[Any] = []
        _split_annotation(hints[name], kinds, rules)
        if object not in kinds:
            judging = tuple(rule for rule in rules if hasattr(rule, "problem"))
            checks.append(_Check(name, tuple(kinds), judging))
    return checks


def _split_annotation(annotation: Any, kinds: list[type], rules: list[Any]) -> None:
    """Appends an annotation's run-time types to `kinds`, its `Annotated` metadata to `rules`."""
    if annotation is Any:
        kinds.append(object)
    elif isinstance(annotation, NewType):
        _split_annotation(annotation.__supertype__, kinds, rules)
    elif hasattr(annotation, "__metadata__"):
        rules.extend(annotation.__metadata__)
        _split_annotation(annotation.__origin__, kinds, rules)
    elif get_origin(annotation) in (Union, types.UnionType):
        for each in get_args(annotation):
            _split_annotation(each, kinds, rules)
    else:
        kinds.append(get_origin(annotation) or annotation)
