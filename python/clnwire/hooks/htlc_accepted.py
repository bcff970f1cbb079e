"""`htlc_accepted`: both sides have committed to an incoming HTLC, and its onion is decrypted.

After a restart the daemon calls the hook again for HTLCs that are not settled, so the handler may
get the same HTLC twice.

Kind: chain; the first answer other than continue decides.
Safe answer: continue. The daemon then forwards, accepts or fails the HTLC by itself.
Refusal: fail, with `temporary_node_failure`.
Any other answer: ends the daemon.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

from clnwire._wire.codec import encode, validated
from clnwire._wire.dialect import FAILURE_MESSAGES
from clnwire._wire.older import rename
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._codes import safe_code, with_code
from clnwire.hooks._spec import Continue, HookSpec, go_on
from clnwire.types import (
    U32,
    U64,
    BlockHeight,
    ChannelId,
    FailureHex,
    Hash,
    Hex,
    Hex32,
    Hexadecimal,
    HexBytes,
    Known,
    Msat,
    PublicKey,
    Secret,
    ShortChannelId,
    Unsigned,
)

TEMPORARY_NODE_FAILURE: Final = 0x2002
"""The failure code `temporary_node_failure` of BOLT 4 (NODE|2): the payer may try again later."""


class HtlcOnion(Event, frozen=True):
    """The onion's content for this node (BOLT 4)."""

    payload: Hex
    """The payload as received, with its length in front."""
    next_onion: Hex
    """The onion for the next hop; empty at the final node."""
    shared_secret: Secret
    """The secret shared with the payer. The daemon uses it to encrypt errors."""
    type: Annotated[str, Known(("tlv",))] | None = None
    """The payload's format. `None` if the payload could not be parsed."""
    short_channel_id: ShortChannelId | None = None
    """The channel over which the payer wants it forwarded. `None` at the final node."""
    next_node_id: PublicKey | None = None
    """The next node's id. `None` unless the payload gives it."""
    forward_msat: Msat | None = None
    """The amount to forward, or to receive at the final node, in msat."""
    outgoing_cltv_value: BlockHeight | None = None
    """The block height at which the outgoing HTLC is to expire."""
    total_msat: Msat | None = None
    """The sum of all parts of the payment, in msat. `None` unless this is the final node."""
    payment_secret: Secret | None = None
    """The invoice's payment secret, as the payer sent it. `None` unless this is the final node."""
    payment_metadata: Hex | None = None
    """The invoice's metadata, as the payer sent it. Only at the final node, and if it was sent."""


class Htlc(Event, frozen=True):
    """The incoming HTLC (`update_add_htlc` of BOLT 2)."""

    short_channel_id: ShortChannelId
    """The channel that it came in through. Since v0.12.0; empty from earlier daemons."""
    id: U64
    """The HTLC's id, which the peer counts in each channel. Since v0.12.0; 0 before."""
    amount_msat: Msat
    """The amount received, in msat. The fee is this less `forward_msat`. Since v0.12.0; clnwire
    fills it from `amount` of earlier daemons."""
    cltv_expiry: BlockHeight
    """The block height at which it expires."""
    cltv_expiry_relative: U32
    """The blocks left until `cltv_expiry`."""
    payment_hash: Hash
    """The SHA-256 of the preimage that settles the HTLC."""
    extra_tlvs: Hex | None = None
    """Further TLVs of the `update_add_htlc` message. Since v25.09."""


class HtlcAccepted(Event, frozen=True):
    """An incoming HTLC."""

    onion: HtlcOnion
    """The onion's content for this node."""
    htlc: Htlc
    """The HTLC itself."""
    peer_id: PublicKey | None = None
    """The node id of the peer that offered it, if known. Since v25.12."""
    forward_to: ChannelId | None = None
    """The channel to forward it over; `None` at the final node, or if there is no such channel."""


class HtlcContinue(HookAnswer, frozen=True, tag_field="result", tag="continue"):
    """Go on with changes (without any, `CONTINUE`). The daemon still checks fees and expiry."""

    payload: Annotated[str, Hexadecimal(at_least=2)] | None = None
    """The payload to use in place of the onion's, without a length in front."""
    forward_to: Hex32 | None = None
    """The id of the channel to forward over, such as another channel with the same peer."""
    extra_tlvs: HexBytes | None = None
    """TLVs to send when forwarding, in place of the HTLC's own. Since v25.09."""
    invoice_msat: Annotated[Msat, Unsigned(64)] | None = None
    """At the final node: the amount in msat to require in place of the invoice's. Since v25.12."""


class HtlcFail(HookAnswer, frozen=True, tag_field="result", tag="fail"):
    """Fail the HTLC with a failure message, which the daemon encrypts."""

    failure_message: FailureHex
    """A failure message of BOLT 4: two bytes of failure code, then its data."""


class HtlcFailOnion(HookAnswer, frozen=True, tag_field="result", tag="fail"):
    """Fail the HTLC with an encrypted failure onion, such as one from another node."""

    failure_onion: Annotated[str, Hexadecimal(at_least=1)]
    """The failure onion. The daemon adds its own layer of encryption."""


class HtlcResolve(HookAnswer, frozen=True, tag_field="result", tag="resolve"):
    """Settle the HTLC with its preimage."""

    payment_key: Hex32
    """The preimage. The daemon does not check it: a wrong one can cost the channel."""


Answer: TypeAlias = Continue | HtlcContinue | HtlcFail | HtlcFailOnion | HtlcResolve


def _complete(answer: Answer, warn: Callable[[str], object]) -> bytes:
    """Adds the failure code: daemons before v0.8.2 read it alone. If it is missing, it is 2002."""
    if not isinstance(answer, HtlcFail):
        return validated(encode(answer))
    code = safe_code(answer.failure_message, TEMPORARY_NODE_FAILURE, "htlc_accepted", warn)
    return with_code(answer, code)


def _upgrade(event: dict[str, Any]) -> None:
    """Before v0.12.0 amounts had other names, and the HTLC's channel and id were not given."""
    rename(event["htlc"], amount="amount_msat")
    event["htlc"].setdefault("short_channel_id", "")
    event["htlc"].setdefault("id", 0)
    rename(event["onion"], forward_amount="forward_msat")


SPEC = HookSpec(
    "htlc_accepted",
    event=HtlcAccepted,
    upgrade=_upgrade,
    complete=(FAILURE_MESSAGES, _complete),
    answers=(Continue, HtlcContinue, HtlcFail, HtlcFailOnion, HtlcResolve),
    safe=go_on,
    refusal=HtlcFail(f"{TEMPORARY_NODE_FAILURE:04x}"),
)
