"""`invoice_payment`: a payment for an unpaid invoice has arrived in full.

Safe answer: continue, which takes the payment.
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct, field

from clnwire.hooks._spec import FAILURE, Continue, HookSpec, go_on

INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS = 0x400F
"""BOLT 4: what the final node says when it does not want a payment (PERM, 15)."""


class InvoicePaymentDetails(Struct, frozen=True):
    """The payment."""

    label: str
    """The invoice's label, unique in this node."""
    preimage: str
    """32 bytes in hexadecimal; answering `continue` reveals it to the payer."""
    msat: int
    """The amount in millisatoshi."""
    extratlvs: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    """Further TLVs of the final onion: `type` and `value` each."""


class InvoicePayment(Struct, frozen=True):
    """A payment has arrived."""

    payment: InvoicePaymentDetails


class InvoicePaymentReject(Struct, frozen=True, tag_field="result", tag="reject"):
    """Fail the payment with `incorrect_or_unknown_payment_details`."""


class InvoicePaymentFail(Struct, frozen=True):
    """Fail the payment with a failure message of one's own."""

    failure_message: Annotated[str, Meta(pattern=FAILURE)]
    """As BOLT 4 has it, in hexadecimal: two bytes of failure code, not zero, then its data.

    Raises `ValueError` if it is no such thing.
    """

    def __post_init__(self) -> None:
        if re.match(FAILURE, self.failure_message) is None or self.failure_message[:4] == "0000":
            raise ValueError(f"{self.failure_message!r} does not start with a failure code")


Answer: TypeAlias = Continue | InvoicePaymentReject | InvoicePaymentFail


class _Details2019(Struct):
    label: str
    preimage: str
    msat: Annotated[str, Meta(pattern=r"^[0-9]+(msat)?$")]


class _InvoicePayment2019(Struct):
    payment: _Details2019


_decode = msgspec.json.Decoder(InvoicePayment).decode


def _decode_any(params: bytes) -> InvoicePayment:
    """Older daemons spell the amount as `"10000msat"`."""
    try:
        return _decode(params)
    except msgspec.ValidationError as error:
        try:
            old = msgspec.json.decode(params, type=_InvoicePayment2019).payment
        except msgspec.ValidationError:
            raise error from None
        msat = int(old.msat.removesuffix("msat"))
        return InvoicePayment(InvoicePaymentDetails(old.label, old.preimage, msat))


def _encode_2019(answer: Answer) -> bytes:
    """An empty object took the payment; a failure code refused it, without room for data."""
    if isinstance(answer, Continue):
        return b"{}"
    code = INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS
    if isinstance(answer, InvoicePaymentFail):
        code = int(answer.failure_message[:4], 16)
    return msgspec.json.encode({"failure_code": code})


SPEC = HookSpec(
    "invoice_payment",
    event=InvoicePayment,
    decode=_decode_any,
    answers=(Continue, InvoicePaymentReject, InvoicePaymentFail),
    encode_2019=_encode_2019,
    safe=go_on,
)
