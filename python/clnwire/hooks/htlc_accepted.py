"""`htlc_accepted`: an incoming HTLC is there to stay, and its onion has been opened.

Safe answer: continue. The daemon then forwards, takes or fails it by itself.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from clnwire.hooks._spec import FAILURE, HEX, HEX_32, Continue, HookSpec, go_on


class HtlcOnion(Struct, frozen=True, gc=False):
    """What the onion says to this node (BOLT 4)."""

    payload: str
    """The payload with its length in front, in hexadecimal."""
    next_onion: str
    """The onion for the next hop, in hexadecimal; empty at the final one."""
    shared_secret: str
    """Shared with the payer, to encrypt errors: 32 bytes in hexadecimal."""
    type: str | None = None
    """`tlv`."""
    short_channel_id: str | None = None
    """Where it should be forwarded to, as `103x1x0`."""
    next_node_id: str | None = None
    """Or the node it should be forwarded to."""
    forward_msat: int | None = None
    """How much to forward, or to receive, in millisatoshi."""
    outgoing_cltv_value: int | None = None
    """The block height at which the outgoing HTLC may expire."""
    total_msat: int | None = None
    """What all parts of the payment sum up to, in millisatoshi, at the final hop."""
    payment_secret: str | None = None
    """From the invoice, at the final hop: 32 bytes in hexadecimal."""
    payment_metadata: str | None = None
    """From the invoice, at the final hop, in hexadecimal."""


class Htlc(Struct, frozen=True, gc=False):
    """The HTLC as it came in (BOLT 2)."""

    short_channel_id: str
    """The channel it came through, as `103x1x0`."""
    id: int
    """Counted by the peer, per channel."""
    amount_msat: int
    """In millisatoshi."""
    cltv_expiry: int
    """The block height at which it expires."""
    cltv_expiry_relative: int
    """How many blocks that is from now."""
    payment_hash: str
    """32 bytes in hexadecimal."""
    extra_tlvs: str | None = None
    """TLVs beside the onion, in hexadecimal."""


class HtlcAccepted(Struct, frozen=True, gc=False):
    """An HTLC has come in."""

    onion: HtlcOnion
    htlc: Htlc
    peer_id: str | None = None
    """Who sent it; current daemons say so."""
    forward_to: str | None = None
    """The channel id it would be forwarded to: 32 bytes in hexadecimal."""


class HtlcContinue(Struct, frozen=True, omit_defaults=True, tag_field="result", tag="continue"):
    """Go on, with something changed. Without a change, answer `CONTINUE`."""

    payload: Annotated[str, Meta(pattern=HEX)] | None = None
    """To be used in place of the onion's, in hexadecimal, without a length in front."""
    forward_to: Annotated[str, Meta(pattern=HEX_32)] | None = None
    """The channel id to forward to: 32 bytes in hexadecimal."""
    extra_tlvs: Annotated[str, Meta(pattern=HEX)] | None = None
    """To be sent along when forwarding, in hexadecimal."""
    invoice_msat: Annotated[int, Meta(ge=0)] | None = None
    """The amount the invoice counts as, in millisatoshi."""


class HtlcFail(Struct, frozen=True, tag_field="result", tag="fail"):
    """Fail the HTLC with a failure message that the daemon encrypts."""

    failure_message: Annotated[str, Meta(pattern=FAILURE)]
    """As BOLT 4 has it, in hexadecimal: two bytes of failure code, then its data."""


class HtlcFailOnion(Struct, frozen=True, tag_field="result", tag="fail"):
    """Fail the HTLC with an error onion that is encrypted already."""

    failure_onion: Annotated[str, Meta(pattern=HEX, min_length=2)]
    """In hexadecimal."""


class HtlcResolve(Struct, frozen=True, tag_field="result", tag="resolve"):
    """Take the HTLC."""

    payment_key: Annotated[str, Meta(pattern=HEX_32)]
    """The preimage: 32 bytes in hexadecimal."""


Answer: TypeAlias = Continue | HtlcContinue | HtlcFail | HtlcFailOnion | HtlcResolve

SPEC = HookSpec(
    "htlc_accepted",
    event=HtlcAccepted,
    answers=(Continue, HtlcContinue, HtlcFail, HtlcFailOnion, HtlcResolve),
    safe=go_on,
)
