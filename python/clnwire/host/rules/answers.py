"""Checks a hook's answer as Core Lightning does. Used by the embedded host and `clnwire replay`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from clnwire.error_codes import PLUGIN_DIED
from clnwire.hooks._codes import SAFE
from clnwire.host.rules.decoding import UndecodableError, as_object, decoded, shown

if TYPE_CHECKING:
    from clnwire._core import Frame

_UPDATE: Final = 0x1000
Answer: TypeAlias = "dict[str, Any]"
Check: TypeAlias = Callable[[object], bool]


class AnswerError(Exception):
    """An answer at which the daemon would have stopped; the text is the reason."""


class Verdict(Struct, frozen=True):
    """An answer that does not stop the daemon."""

    answer: Any
    remark: str | None = None
    """What the daemon would have logged about an answer that it does not understand."""


def judge(hook: str, reply: Frame, dialect: str = "current") -> Verdict:
    """Checks a reply to a hook. Raises `AnswerError` if the daemon would have stopped."""
    result = reply.result
    if result is None:
        return _without_result(reply.error, dialect)
    try:
        answer = decoded(result)
    except UndecodableError as error:
        raise AnswerError(str(error)) from None
    if dialect == "2019":
        return _judge_2019(hook, answer)
    if hook in _ANYTHING_GOES:
        return Verdict(answer)
    if hook == "rpc_command":
        return Verdict(answer, _rpc_command_remark(answer))
    if dialect == "2020" and hook == "invoice_payment" and _names_no_result(answer):
        _check_failure_code(answer)
        return Verdict(answer, "refuses the payment: neither result nor failure_message")
    if hook in _RULES:
        _check(answer, _RULES[hook])
    return Verdict(answer)


def _names_no_result(answer: object) -> bool:
    members = as_object(answer)
    return members is not None and not {"result", "failure_message"} & members.keys()


def _without_result(error: bytes | None, dialect: str) -> Verdict:
    if error is None:
        raise AnswerError("the reply has neither result nor error")
    try:
        code = (as_object(decoded(error)) or {}).get("code")
    except UndecodableError:
        code = None
    if code != PLUGIN_DIED or dialect != "current":
        raise AnswerError(f"an error is not an answer to a hook: {shown(error)}")
    return Verdict({"result": "continue"}, "the plugin says that it died; the daemon goes on")


def _judge_2019(hook: str, answer: object) -> Verdict:
    """The rules of 2019: `db_write` requires `true`; `invoice_payment` accepts the payment for
    `true` and for an object without `failure_code`."""
    if hook == "db_write":
        if answer is not True:
            raise AnswerError(f"must be true, not {shown(answer)}")
    elif hook == "invoice_payment":
        if answer is not True:
            _check_failure_code(answer)
            _check_makeable(answer)
    elif as_object(answer) == {"result": "disconnect"}:
        return Verdict(answer, "leaves the peer half open: there is no error_message")
    else:
        _check(answer, _RULES[hook])
    return Verdict(answer)


def _check_makeable(answer: object) -> None:
    """Checks that the daemon can make a failure message from the answer's failure code alone."""
    code: object = (as_object(answer) or {}).get("failure_code")
    if code is None or int(str(code)) in SAFE:
        return
    if int(str(code)) & _UPDATE:
        raise AnswerError(f'"failure_code" must not have the UPDATE bit: {shown(answer)}')
    raise AnswerError(
        f'"failure_code" is unknown to the channel\'s process, which crashes now and at each '
        f"reconnect: {shown(answer)}"
    )


def _check_failure_code(answer: object) -> None:
    code: object = _members(answer).get("failure_code", 1)
    if code == 0 or not _fits_bits(code, 16):
        raise AnswerError(f'"failure_code" must be a number of 16 bits, not 0: {shown(answer)}')


def _members(answer: object) -> Answer:
    members = as_object(answer)
    if members is None:
        raise AnswerError(f"an answer is an object, not {shown(answer)}")
    return members


class Choice(Struct, frozen=True):
    """The rules for the other members of an answer with a given `result`."""

    may: dict[str, Check]
    """The check of each member's value, if the member is present."""
    must: tuple[str, ...] = ()
    """Required members."""
    must_any: tuple[str, ...] = ()
    """At least one of these is required."""
    never: tuple[str, ...] = ()
    """Forbidden members."""
    together: tuple[str, ...] = ()
    """If the first is present, the others are required and must not be 0."""


def _check(answer: object, rules: dict[str | None, Choice]) -> None:
    members = _members(answer)
    result: object = members.get("result")
    choice = rules.get(result) if isinstance(result, str) or result is None else None
    if choice is None:
        known = " or ".join(f'"{name}"' for name in rules if name is not None)
        raise AnswerError(f'"result" must be {known}: {shown(answer)}')
    _check_members(members, choice)


def _check_members(answer: Answer, choice: Choice) -> None:
    missing = next(_missing(answer, choice), None)
    if missing is not None:
        raise AnswerError(f"{missing} is missing: {shown(answer)}")
    for name in choice.never:
        if name in answer:
            raise AnswerError(f'"{name}" is not allowed here: {shown(answer)}')
    for name, fits in choice.may.items():
        if name in answer and not fits(answer[name]):
            raise AnswerError(f'"{name}" does not fit: {shown(answer)}')


def _missing(answer: Answer, choice: Choice) -> Iterator[str]:
    yield from (f'"{name}"' for name in choice.must if name not in answer)
    if choice.must_any and not any(name in answer for name in choice.must_any):
        yield " or ".join(f'"{name}"' for name in choice.must_any)
    if choice.together and choice.together[0] in answer:
        yield from (f'"{name}"' for name in choice.together[1:] if not answer.get(name))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _matches(value: object, pattern: str) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _fits_bits(value: object, bits: int, unit: str = "") -> bool:
    """Whether a number fits. The daemon also accepts a string of decimal digits, with the unit."""
    if isinstance(value, str):
        digits = value.removesuffix(unit)
        value = int(digits) if _matches(digits, "[0-9]{1,40}") else None
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << bits


_is_hex: Final = partial(_matches, pattern="([0-9a-fA-F]{2})*")
_is_hex32: Final = partial(_matches, pattern="[0-9a-fA-F]{64}")
_is_payload: Final = partial(_matches, pattern="([0-9a-fA-F]{2}){2,}")
_is_amount: Final = partial(_fits_bits, bits=64, unit="msat")
_CONTINUE: Final = Choice({})
_CONTRIBUTION: Final[dict[str, Check]] = {"psbt": _is_text, "our_funding_msat": _is_amount}
_FUNDING: Final = ("psbt", "our_funding_msat")
_REJECT_FUNDING: Final = Choice({"error_message": _is_text}, never=_FUNDING)
_CLOSE_TO: Final[dict[str, Check]] = {"close_to": _is_text}

_ANYTHING_GOES: Final = frozenset(
    ("commitment_revocation", "onion_message_recv", "onion_message_recv_secret")
)
"""Hooks that accept any result. For the last two, any but `continue` ends the chain."""

_RULES: Final[dict[str, dict[str | None, Choice]]] = {
    "db_write": {"continue": _CONTINUE},
    "custommsg": {"continue": _CONTINUE},
    "recover": {"continue": _CONTINUE},
    "peer_connected": {
        "continue": _CONTINUE,
        # The daemon crashes without a message, although its documentation calls it optional.
        "disconnect": Choice({"error_message": _is_text}, must=("error_message",)),
    },
    "openchannel": {
        "continue": Choice(
            {
                **_CLOSE_TO,
                "mindepth": partial(_fits_bits, bits=32),
                "reserve": partial(_fits_bits, bits=64, unit="sat"),
            }
        ),
        "reject": Choice({"error_message": _is_text}, never=("close_to",)),
    },
    "openchannel2": {
        "continue": Choice({**_CONTRIBUTION, **_CLOSE_TO}, together=_FUNDING),
        "reject": Choice({"error_message": _is_text}, never=("close_to", *_FUNDING)),
    },
    "openchannel2_changed": {"continue": Choice({"psbt": _is_text}, must=("psbt",))},
    "openchannel2_sign": {"continue": Choice({"psbt": _is_text}, must=("psbt",))},
    "rbf_channel": {
        "continue": Choice(_CONTRIBUTION, together=_FUNDING),
        "reject": _REJECT_FUNDING,
    },
    "htlc_accepted": {
        "continue": Choice(
            {
                "payload": _is_payload,
                "forward_to": _is_hex32,
                "extra_tlvs": _is_hex,
                "invoice_msat": _is_amount,
            }
        ),
        "fail": Choice(
            {"failure_message": _is_hex, "failure_onion": _is_hex},
            must_any=("failure_message", "failure_onion"),
        ),
        "resolve": Choice({"payment_key": _is_hex32}, must=("payment_key",)),
    },
    "invoice_payment": {
        "continue": _CONTINUE,
        "reject": Choice({"failure_message": _is_hex}),
        None: Choice({"failure_message": _is_hex}, must=("failure_message",)),
    },
}
"""The rules by hook and `result`; `None` is an answer without `result`."""


def _rpc_command_remark(answer: object) -> str | None:
    """Why the daemon does not understand the answer, if so. It then runs the command unchanged."""
    members = as_object(answer)
    if members is None:
        return f"the answer to rpc_command is not an object: {shown(answer)}"
    if members.get("result") == "continue":
        return None
    if "replace" in members:
        return _replace_remark(members["replace"])
    if "return" in members:
        returned = members["return"]
        if {"result", "error"} & (as_object(returned) or {}).keys():
            return None
        return f'"return" must have "result" or "error": {shown(returned)}'
    return f'the answer to rpc_command has no "continue", "replace" or "return": {shown(answer)}'


def _replace_remark(replacement: object) -> str | None:
    members = as_object(replacement) or {}
    for name in ("jsonrpc", "id", "method", "params"):
        if name not in members:
            return f'"replace" must be a request, "{name}" is missing: {shown(replacement)}'
    return None
