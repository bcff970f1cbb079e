"""`invoice_payment`: all parts of a payment for an unpaid invoice have arrived.

Kind: chain; the first plugin that refuses the payment decides.
Safe answer: continue, which accepts the payment.
Refusal: reject, which fails the payment.
Any other answer: ends the daemon.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

from clnwire._wire.codec import encode
from clnwire._wire.dialect import FAILURE_MESSAGES
from clnwire._wire.older import older_form
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._codes import safe_code, with_code
from clnwire.hooks._spec import Continue, HookSpec, go_on
from clnwire.types import FailureHex, Msat, Secret

INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS: Final = 0x400F
"""The failure code of BOLT 4 (PERM|15) with which the final node refuses a payment."""


class InvoicePaymentDetails(Event, frozen=True):
    """The payment that has arrived."""

    label: str
    """The invoice's label, unique in this node."""
    preimage: Secret
    """The payment's preimage. Answering `continue` reveals it to the payer."""
    msat: Msat
    """The amount paid, in msat."""
    extratlvs: list[dict[str, Any]] | None = None
    """Further TLVs of the final onion, each with `type`, `length` and `value`. Only in developer
    mode; not in the daemon's schema."""


class InvoicePayment(Event, frozen=True):
    """A payment has arrived."""

    payment: InvoicePaymentDetails
    """The payment."""


class InvoicePaymentReject(HookAnswer, frozen=True, tag_field="result", tag="reject"):
    """Fail the payment with `incorrect_or_unknown_payment_details`."""


class InvoicePaymentFail(HookAnswer, frozen=True):
    """Fail the payment with a chosen failure message. The answer has no `result`: the daemon would
    read that first and ignore the message."""

    failure_message: FailureHex
    """A failure message of BOLT 4: two bytes of failure code, not zero, then its data."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.failure_message[:4] == "0000":
            self._refuse("failure_message", "must start with a failure code that is not zero")


Answer: TypeAlias = Continue | InvoicePaymentReject | InvoicePaymentFail


def _former(answer: Any) -> Any:
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


def _complete(answer: Answer, warn: Callable[[str], object]) -> bytes:
    """Adds the failure code for daemons before v0.8.2, which read the code alone, without data."""
    if isinstance(answer, Continue):
        return encode(answer)
    code = INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS
    if isinstance(answer, InvoicePaymentFail):
        code = safe_code(answer.failure_message, code, "invoice_payment", warn)
    return with_code(answer, code)


SPEC = HookSpec(
    "invoice_payment",
    event=InvoicePayment,
    upgrade=older_form(),
    answers=(Continue, InvoicePaymentReject, InvoicePaymentFail),
    former=_former,
    complete=(FAILURE_MESSAGES, _complete),
    safe=go_on,
    refusal=InvoicePaymentReject(),
)
