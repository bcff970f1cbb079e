"""`htlc_accepted`: an incoming HTLC is there to stay, and its onion has been opened.

After a restart the daemon asks again about HTLCs that are not settled: the handler may see the
same one twice.

Kind: chain; the first answer that is no continue decides.
Safe answer: continue. The daemon then forwards, takes or fails it by itself.
Refusal: fail, with `temporary_node_failure`.
Any other answer: ends the daemon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

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

if TYPE_CHECKING:
    from collections.abc import Callable

TEMPORARY_NODE_FAILURE: Final = 0x2002
"""BOLT 4: try again later (NODE, 2)."""


class HtlcOnion(Event, frozen=True):
    """What the onion says to this node (BOLT 4)."""

    payload: Hex
    """The payload as it came, with its length in front."""
    next_onion: Hex
    """The onion for the next hop; empty at the final one."""
    shared_secret: Secret
    """Shared with the payer, to encrypt errors."""
    type: Annotated[str, Known(("tlv",))] | None = None
    """The payload's format. `None` if the payload could not be read."""
    short_channel_id: ShortChannelId | None = None
    """The channel it should be forwarded over. `None` at the final node."""
    next_node_id: PublicKey | None = None
    """Or the node it should be forwarded to."""
    forward_msat: Msat | None = None
    """How much to forward, or to receive."""
    outgoing_cltv_value: BlockHeight | None = None
    """The block height at which the outgoing HTLC may expire."""
    total_msat: Msat | None = None
    """What all parts of the payment sum up to; only at the final node."""
    payment_secret: Secret | None = None
    """From the invoice; only at the final node."""
    payment_metadata: Hex | None = None
    """From the invoice; only at the final node, if the invoice has it."""


class Htlc(Event, frozen=True):
    """The HTLC as it came in (BOLT 2)."""

    short_channel_id: ShortChannelId
    """The channel it came through. Since v0.12.0; empty from daemons before that."""
    id: U64
    """Counted by the peer, per channel. Since v0.12.0; 0 from daemons before that."""
    amount_msat: Msat
    """How much; what is not forwarded of it is the node's fee. Since v0.12.0."""
    cltv_expiry: BlockHeight
    """The block height at which it expires."""
    cltv_expiry_relative: U32
    """How many blocks that is from now."""
    payment_hash: Hash
    """What its preimage hashes to."""
    extra_tlvs: Hex | None = None
    """TLVs that came with it, beside the onion. Since v25.09."""


class HtlcAccepted(Event, frozen=True):
    """An HTLC has come in."""

    onion: HtlcOnion
    """What its onion says to this node."""
    htlc: Htlc
    """The HTLC itself."""
    peer_id: PublicKey | None = None
    """Who sent it, if that is known. Since v25.12."""
    forward_to: ChannelId | None = None
    """The channel it would be forwarded to. `None` at the final node, or without such a channel."""


class HtlcContinue(HookAnswer, frozen=True, tag_field="result", tag="continue"):
    """Go on, with something changed. Without a change, answer `CONTINUE`.

    Fees and expiry are still checked as usual.
    """

    payload: Annotated[str, Hexadecimal(at_least=2)] | None = None
    """To be read in place of the onion's, without a length in front."""
    forward_to: Hex32 | None = None
    """The channel id to forward to; of use for another channel with the same peer."""
    extra_tlvs: HexBytes | None = None
    """To be sent along when forwarding, in place of those that came. Since v25.09."""
    invoice_msat: Annotated[Msat, Unsigned(64)] | None = None
    """What the invoice is taken to ask for, at the final node. Since v25.12."""


class HtlcFail(HookAnswer, frozen=True, tag_field="result", tag="fail"):
    """Fail the HTLC with a failure message, which the daemon encrypts."""

    failure_message: FailureHex
    """As BOLT 4 has it: two bytes of failure code, then its data."""


class HtlcFailOnion(HookAnswer, frozen=True, tag_field="result", tag="fail"):
    """Fail the HTLC with an error onion that comes from another network, say."""

    failure_onion: Annotated[str, Hexadecimal(at_least=1)]
    """The onion; the daemon adds its own layer to it."""


class HtlcResolve(HookAnswer, frozen=True, tag_field="result", tag="resolve"):
    """Take the HTLC."""

    payment_key: Hex32
    """The preimage. The daemon does not check it: a wrong one can cost the channel."""


Answer: TypeAlias = Continue | HtlcContinue | HtlcFail | HtlcFailOnion | HtlcResolve


def _complete(answer: Answer, warn: Callable[[str], object]) -> bytes:
    """Daemons before v0.8.2 read the code alone; without one they take it for 2002."""
    if not isinstance(answer, HtlcFail):
        return validated(encode(answer))
    code = safe_code(answer.failure_message, TEMPORARY_NODE_FAILURE, "htlc_accepted", warn)
    return with_code(answer, code)


def _older(event: dict[str, Any]) -> None:
    """Until v0.12 amounts had other names, and nothing told which HTLC of which channel it was."""
    rename(event["htlc"], amount="amount_msat")
    event["htlc"].setdefault("short_channel_id", "")
    event["htlc"].setdefault("id", 0)
    rename(event["onion"], forward_amount="forward_msat")


SPEC = HookSpec(
    "htlc_accepted",
    event=HtlcAccepted,
    older=_older,
    complete=(FAILURE_MESSAGES, _complete),
    answers=(Continue, HtlcContinue, HtlcFail, HtlcFailOnion, HtlcResolve),
    safe=go_on,
    refusal=HtlcFail(f"{TEMPORARY_NODE_FAILURE:04x}"),
)
