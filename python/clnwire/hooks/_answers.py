"""Checks and encodes a handler's answer, and makes the reply for a handler that failed."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias, cast

import msgspec

from clnwire._wire.codec import encode, encode_any
from clnwire._wire.dialect import Dialect
from clnwire._wire.structs import HookAnswer
from clnwire.errors import NotAwaitedError, UsageError
from clnwire.hooks._spec import ErrorParts, HookSpec, Refuse, keep_psbt, refuse

Fail: TypeAlias = Callable[[bytes, str, bytes], bytes | ErrorParts]
"""`(params, reason, continue)` → the reply, as for `HookSpec.safe`."""
OnFailure: TypeAlias = HookAnswer | dict[str, Any] | Fail


class RefusedError(Exception):
    """The handler answered `Refuse`."""


def answer_encoder(
    spec: HookSpec, dialect: Dialect, warn: Callable[[str], object]
) -> Callable[[Any], bytes]:
    """Encodes answers for this daemon. The encoder raises `UsageError` for an answer that the
    daemon does not accept, and `RefusedError` for `Refuse`."""
    complete: Callable[[Any], bytes] | None = None
    if spec.complete is not None and not dialect.is_at_least(spec.complete[0]):
        complete = partial(spec.complete[1], warn=warn)

    remark = _remarks(spec.name, warn)

    def encode_answer(answer: Any) -> bytes:
        if type(answer) not in spec.answers:
            return _encode_free(spec, answer, complete, remark)
        if isinstance(answer, Refuse):
            raise RefusedError(answer.reason)
        return encode_any(answer) if complete is None else complete(answer)

    return encode_answer


def _encode_free(
    spec: HookSpec,
    answer: Any,
    complete: Callable[[Any], bytes] | None,
    remark: Callable[[str, HookAnswer], None],
) -> bytes:
    """Encodes an answer that is not a Struct of the hook. It may have a newer daemon's members."""
    if answer is None:
        raise UsageError("the handler returned None; it must return an answer, such as CONTINUE")
    if isinstance(answer, HookAnswer) and spec.answers:
        permitted = ", ".join(kind.__name__ for kind in spec.answers)
        raise UsageError(f"the handler returned {answer!r}; permitted answers: {permitted}")
    try:
        encoded = encode_any(answer)
        given = msgspec.json.decode(encoded)
        spelled = given if spec.former is None else spec.former(given)
        members = msgspec.convert(spelled, dict[str, Any])
    except (TypeError, ValueError) as error:
        if isinstance(error, NotAwaitedError):
            raise
        raise UsageError(
            f"the handler returned {answer!r}; an answer must be a JSON object"
        ) from error
    if not spec.answers:
        return encoded
    # Structs leave out members that are `None`, so dicts do too: the daemon would read a null.
    present = {name: value for name, value in members.items() if value is not None}
    struct = permitted_answer(spec, present)
    known = (*struct.__struct_encode_fields__, "result")
    later = {name: value for name, value in present.items() if name not in known}
    for name in later:
        remark(name, struct)
    if complete is not None:
        completed = complete(struct)
        return encode({**msgspec.json.decode(completed), **later}) if later else completed
    return encoded if present == given else encode(present)


def _remarks(hook: str, warn: Callable[[str], object]) -> Callable[[str, HookAnswer], None]:
    """Logs once that an unknown member is almost one that the answer has.

    Others may be a newer daemon's.
    """
    told: set[str] = set()

    def remark(name: str, struct: HookAnswer) -> None:
        from clnwire._wire.nearest import nearest  # Imported late: most answers are Structs.

        known = struct.__struct_encode_fields__
        parts = (each for each in known if name in each or each in name)
        near = next(parts, None) or nearest(name, known)
        if near is not None and name not in told:
            told.add(name)
            warn(f"hook '{hook}': '{name}' is not a member of this answer; did you mean '{near}'?")

    return remark


def permitted_answer(spec: HookSpec, members: dict[str, Any]) -> HookAnswer:
    """The hook's answer Struct that these members fit. Raises `UsageError` if none does."""
    result = members.get("result")
    kinds = [kind for kind in spec.answers if kind is not Refuse]
    same_result = [kind for kind in kinds if kind.__struct_config__.tag == result]
    problems: list[str] = []
    anywhere = {name for kind in spec.answers for name in kind.__struct_encode_fields__}
    for kind in same_result:
        # Some members of the hook's other answers, in the wrong answer, stop the daemon.
        out_of_place = sorted(anywhere.difference(kind.__struct_encode_fields__) & members.keys())
        if out_of_place:
            problems.append(f": {', '.join(out_of_place)} must not be in this answer")
            continue
        try:
            return msgspec.convert(members, kind)
        except msgspec.ValidationError as error:
            # This says more than a list of misplaced members, so it comes first.
            problems.insert(0, f": {error}")
    # The message does not show the whole answer, which may hold a secret.
    said = f"the handler answered with result {result!r}"
    permitted = ", ".join(dict.fromkeys(map(_form, kinds)))
    raise UsageError(f"{said}{next(iter(problems), '')}; permitted answers: {permitted}")


def on_failure_of(spec: HookSpec, wanted: object) -> OnFailure:
    """The answer for a failed handler, from the `on_failure` that the hook was registered with.
    Raises `UsageError` if the hook does not permit that answer."""
    what = f"hook '{spec.name}': on_failure"
    if wanted is None:
        return spec.safe
    if spec.safe is keep_psbt:
        raise UsageError(
            f"{what} is not available; if the handler fails, the proposed transaction is kept"
        )
    if wanted == "refuse":
        if spec.refusal is None:
            raise UsageError(f"{what}: the hook has no answer that refuses; give an answer")
        return spec.refusal
    if isinstance(wanted, dict):
        members = cast("dict[str, Any]", wanted)
        return permitted_answer(spec, members) if spec.answers else members
    if isinstance(wanted, HookAnswer) and (type(wanted) in spec.answers or not spec.answers):
        return wanted
    permitted = ", ".join(kind.__name__ for kind in spec.answers) or "a dict"
    raise UsageError(f"{what}: {wanted!r} is not permitted; use one of {permitted}, or 'refuse'")


def failing(on_failure: OnFailure, encode_answer: Callable[[Any], bytes]) -> Fail:
    """A function that makes the reply for a handler that failed, in the daemon's dialect."""
    if callable(on_failure):
        return on_failure
    try:
        answer = encode_answer(on_failure)
    except RefusedError as error:
        stop = str(error)
        return lambda params, reason, bare_continue: refuse(params, stop, bare_continue)
    return lambda params, reason, bare_continue: answer


def _form(kind: type[HookAnswer]) -> str:
    """What an answer must have, as JSON."""
    tag = kind.__struct_config__.tag
    result = [f'"result": "{tag}"'] if tag is not None else []
    fields = msgspec.structs.fields(kind)
    members = [f'"{each.encode_name}": …' for each in fields if each.required]
    return f"{{{', '.join((*result, *members))}}}"
