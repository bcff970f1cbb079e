"""A handler's answer to bytes, if it is one that the daemon takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from clnwire._message import HookAnswer
from clnwire.codec import encode, encode_any, validated
from clnwire.errors import UsageError
from clnwire.hooks._spec import Refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire.dialect import Dialect
    from clnwire.hooks._spec import HookSpec


class RefusedError(Exception):
    """The handler answered `Refuse`."""


def answer_encoder(
    spec: HookSpec, dialect: Dialect, warn: Callable[[str], object]
) -> Callable[[Any], bytes]:
    """Encodes answers for this daemon; raises `UsageError` for what it could not take as one."""
    complete = _completion(spec, dialect, warn)

    def encode_answer(answer: Any) -> bytes:
        if type(answer) not in spec.answers:
            return _encode_free(spec, answer, complete)
        if isinstance(answer, Refuse):
            raise RefusedError(answer.reason)
        # A part of it may be JSON that somebody else wrote.
        return validated(encode(answer)) if complete is None else complete(answer)

    return encode_answer


def _completion(
    spec: HookSpec, dialect: Dialect, warn: Callable[[str], object]
) -> Callable[[Any], bytes] | None:
    """Encodes an answer with what an older daemon wants besides; `None` for today's."""
    if spec.complete is None or dialect.surely(spec.complete[0]):
        return None
    complete = spec.complete[1]
    return lambda answer: complete(answer, warn)


def _encode_free(spec: HookSpec, answer: Any, complete: Callable[[Any], bytes] | None) -> bytes:
    """What is no Struct of the hook's: a dict, say. It may have members of a newer daemon."""
    if answer is None:
        raise UsageError("the handler returned None; it must return an answer, such as CONTINUE")
    if isinstance(answer, HookAnswer) and spec.answers:
        raise UsageError(f"the handler returned {answer!r}; {_permitted(spec)}")
    try:
        encoded = encode_any(answer)
        given = msgspec.json.decode(encoded)
        spelled = given if spec.former is None else spec.former(given)
        members = msgspec.convert(spelled, dict[str, Any])
    except (TypeError, ValueError) as error:
        raise UsageError(f"the handler returned {answer!r}; an answer is an object") from error
    if not spec.answers:
        return encoded
    # As everywhere, what is `None` is not there: to the daemon, null would be something.
    present = {name: value for name, value in members.items() if value is not None}
    struct = permitted_answer(spec, present)
    if complete is not None:
        return complete(struct)
    return encoded if present == given else encode(present)


def permitted_answer(spec: HookSpec, members: dict[str, Any]) -> HookAnswer:
    """The one of the hook's answers whose form this is. Raises `UsageError` if it is none."""
    result = members.get("result")
    kinds = [kind for kind in spec.answers if kind is not Refuse]
    same_result = [kind for kind in kinds if kind.__struct_config__.tag == result]
    problems: list[str] = []
    for kind in same_result:
        out_of_place = sorted(_members_of_others(spec, kind) & members.keys())
        if out_of_place:
            problems.append(f": {', '.join(out_of_place)} must not stand there")
            continue
        try:
            return msgspec.convert(members, kind)
        except msgspec.ValidationError as error:
            # It says more than what other answers would not have.
            problems.insert(0, f": {error}")
    # Not the whole answer: it may hold a secret.
    said = f"the handler answered with result {result!r}"
    raise UsageError(f"{said}{next(iter(problems), '')}; {_permitted(spec)}")


def _members_of_others(spec: HookSpec, kind: type[HookAnswer]) -> set[str]:
    """What may only stand in an answer of another kind: some of it stops the daemon."""
    everything = {name for each in spec.answers for name in each.__struct_encode_fields__}
    return everything.difference(kind.__struct_encode_fields__)


def _permitted(spec: HookSpec) -> str:
    return f"permitted are {', '.join(kind.__name__ for kind in spec.answers)}"
