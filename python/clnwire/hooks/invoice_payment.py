"""`invoice_payment`: a payment for an unpaid invoice has arrived in full.

Kind: chain; the first plugin that does not want the payment decides.
Safe answer: continue, which takes the payment.
Refusal: reject, which fails the payment.
Any other answer: ends the daemon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from clnwire._wire.codec import encode
from clnwire._wire.dialect import FAILURE_MESSAGES
from clnwire._wire.older import only_amounts
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._codes import safe_code, with_code
from clnwire.hooks._spec import Continue, HookSpec, go_on
from clnwire.types import FailureHex, Msat, Secret

if TYPE_CHECKING:
    from collections.abc import Callable

INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS: Final = 0x400F
"""BOLT 4: what the final node says when it does not want a payment (PERM, 15)."""


class InvoicePaymentDetails(Event, frozen=True):
    """The payment."""

    label: str
    """The invoice's label, unique in this node."""
    preimage: Secret
    """Answering `continue` reveals it to the payer."""
    msat: Msat
    """The amount."""
    extratlvs: list[dict[str, Any]] | None = None
    """Further TLVs of the final onion: `type`, `length` and `value` each. Only in developer mode;
    the daemon's schema does not name it."""


class InvoicePayment(Event, frozen=True):
    """A payment has arrived."""

    payment: InvoicePaymentDetails
    """The payment."""


class InvoicePaymentReject(HookAnswer, frozen=True, tag_field="result", tag="reject"):
    """Fail the payment with `incorrect_or_unknown_payment_details`."""


class InvoicePaymentFail(HookAnswer, frozen=True):
    """Fail the payment with a failure message of one's own.

    It goes without a `result`: the daemon reads that first, and would not look at the message.
    """

    failure_message: FailureHex
    """As BOLT 4 has it: two bytes of failure code, not zero, then its data."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.failure_message[:4] == "0000":
            self._refuse("failure_message", "must start with a failure code that is not zero")


Answer: TypeAlias = Continue | InvoicePaymentReject | InvoicePaymentFail


def _former(answer: Any) -> Any:
    """In the protocol's first document `{}` took the payment, and a code alone refused it."""
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
    """Daemons before v0.8.2 read the code alone, and have no room for data."""
    if isinstance(answer, Continue):
        return encode(answer)
    code = INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS
    if isinstance(answer, InvoicePaymentFail):
        code = safe_code(answer.failure_message, code, "invoice_payment", warn)
    return with_code(answer, code)


SPEC = HookSpec(
    "invoice_payment",
    event=InvoicePayment,
    older=only_amounts,
    answers=(Continue, InvoicePaymentReject, InvoicePaymentFail),
    former=_former,
    complete=(FAILURE_MESSAGES, _complete),
    safe=go_on,
    refusal=InvoicePaymentReject(),
)
