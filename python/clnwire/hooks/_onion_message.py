"""An onion message (BOLT 4), as two hooks deliver it."""

from msgspec.structs import force_setattr

from clnwire._wire.structs import Event, HookAnswer
from clnwire.types import U32, U64, Hex, PublicKey, ShortChannelId

__all__ = ["BlindedHop", "BlindedPath", "OnionField", "OnionMessage", "OnionMessageHandled"]


class BlindedHop(Event, frozen=True):
    """A hop of a blinded path (BOLT 4)."""

    blinded_node_id: PublicKey
    """The hop's blinded public key. It does not reveal the hop's node id."""
    encrypted_recipient_data: Hex
    """Encrypted TLVs for this hop, such as where to forward the message."""


class BlindedPath(Event, frozen=True):
    """A blinded path (BOLT 4) back to the sender, which hides the sender's identity. It starts at
    the node `first_node_id`, or at one end of the channel `first_scid`."""

    first_node_id: PublicKey | None = None
    """The node at which the path starts; `None` if `first_scid` gives it."""
    first_scid: ShortChannelId | None = None
    """A channel at one end of which the path starts; `None` if `first_node_id` gives it."""
    first_scid_dir: U32 | None = None
    """That channel's direction, 0 or 1; the node that sends in it is the start of the path."""
    first_path_key: PublicKey | None = None
    """The public key from which the first hop derives its shared secret. Since v24.11; clnwire
    fills it from `blinding` for earlier daemons."""
    hops: list[BlindedHop] | None = None
    """The hops, first to last."""
    blinding: PublicKey | None = None
    """The name of `first_path_key` before v24.11, with the same value."""

    def __post_init__(self) -> None:
        if self.first_path_key is None and self.blinding is not None:
            force_setattr(self, "first_path_key", self.blinding)


class OnionField(Event, frozen=True):
    """A TLV of the message that the daemon does not know."""

    number: U64
    """The TLV's type."""
    value: Hex
    """The TLV's value."""


class OnionMessage(Event, frozen=True):
    """The onion message's content."""

    reply_blindedpath: BlindedPath | None = None
    """The path that a reply must take; `None` if the sender takes no reply."""
    invoice_request: Hex | None = None
    """A request for an invoice, `invoice_request` of BOLT 12."""
    invoice: Hex | None = None
    """An invoice, `invoice` of BOLT 12."""
    invoice_error: Hex | None = None
    """Why an invoice is not made or not paid, `invoice_error` of BOLT 12."""
    unknown_fields: list[OnionField] | None = None
    """TLVs that the daemon does not know, for extensions of the protocol."""


class OnionMessageHandled(HookAnswer, frozen=True, tag_field="result", tag="handled"):
    """This plugin has handled the message. The daemon passes it to no other plugin."""
