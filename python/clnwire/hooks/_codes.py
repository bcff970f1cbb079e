"""What `htlc_accepted` and `invoice_payment` have that is no schema's: older forms of their events
and answers, and failure codes of BOLT 4.

Daemons before v0.8.2 read a code and no failure message.
"""

from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from clnwire._wire.codec import encode, validated
from clnwire._wire.dialect import FAILURE_MESSAGES
from clnwire._wire.older import older_form, rename
from clnwire._wire.structs import HookAnswer
from clnwire.hooks._spec import Continue
from clnwire.types import FailureHex

TEMPORARY_NODE_FAILURE: Final = 0x2002
"""The failure code `temporary_node_failure` of BOLT 4 (NODE|2): the payer may try again later."""
INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS: Final = 0x400F
"""The failure code of BOLT 4 (PERM|15) with which the final node refuses a payment."""
SAFE: Final = frozenset((0x400F, 0x2002, 0x6002, 0x6003, 0x0011, 0x0012, 0x0013))
"""Codes that those daemons can turn into a failure message. For any other code the daemon crashes,
or the channel's own process crashes, again at each reconnect."""


class InvoicePaymentFail(HookAnswer, frozen=True):
    """Fail the payment with a chosen failure message. The answer has no `result`: the daemon would
    read that first and ignore the message."""

    failure_message: FailureHex
    """A failure message of BOLT 4: two bytes of failure code, not zero, then its data."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.failure_message[:4] == "0000":
            self._refuse("failure_message", "must start with a failure code that is not zero")


def _with_code(hook: str, answer: HookAnswer, code: int, warn: Callable[[str], object]) -> bytes:
    """The encoded answer with `failure_code`: that of its message if it is in `SAFE`, else `code`.

    Warns of any other code.
    """
    wanted = int(getattr(answer, "failure_message", f"{code:04x}")[:4], 16)
    if wanted not in SAFE:
        safe = ", ".join(sorted(f"{each:04x}" for each in SAFE))
        warn(
            f"{hook}: failure code {wanted:04x} could close a channel or crash a daemon before "
            f"v0.8.2; clnwire sends {code:04x} instead. Answer one of {safe}"
        )
        wanted = code
    return encode({**msgspec.to_builtins(answer), "failure_code": wanted})


def _htlc(answer: HookAnswer, warn: Callable[[str], object]) -> bytes:
    if not hasattr(answer, "failure_message"):
        return validated(encode(answer))
    return _with_code("htlc_accepted", answer, TEMPORARY_NODE_FAILURE, warn)


def _invoice(answer: HookAnswer, warn: Callable[[str], object]) -> bytes:
    if isinstance(answer, Continue):
        return encode(answer)
    return _with_code("invoice_payment", answer, INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS, warn)


CODED_HTLC: Final = (FAILURE_MESSAGES, _htlc)
CODED_INVOICE: Final = (FAILURE_MESSAGES, _invoice)

older_invoice = older_form()


def older_htlc(event: dict[str, Any]) -> None:
    """Before v0.12.0 amounts had other names, and the HTLC's channel and id were not given."""
    rename(event["htlc"], amount="amount_msat")
    event["htlc"].setdefault("short_channel_id", "")
    event["htlc"].setdefault("id", 0)
    rename(event["onion"], forward_amount="forward_msat")


def former_invoice(answer: Any) -> Any:
    """Changes the answers of 2019 to today's form: `{}` accepted, a failure code alone refused."""
    if answer == {}:
        return {"result": "continue"}
    if not isinstance(answer, dict):
        return answer
    members = cast("dict[str, object]", answer)
    if "result" in members or "failure_message" in members:
        return members
    code = members.get("failure_code")
    if code == INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS:
        return {"result": "reject"}
    if isinstance(code, int) and not isinstance(code, bool) and 0 < code < 1 << 16:
        return {"failure_message": f"{code:04x}"}
    return members
