"""An onion message (BOLT 4), which two hooks tell of."""

from __future__ import annotations

from msgspec.structs import force_setattr

from clnwire._wire.structs import Event, HookAnswer
from clnwire.types import U32, U64, Hex, PublicKey, ShortChannelId


class BlindedHop(Event, frozen=True):
    """A hop of a blinded path."""

    blinded_node_id: PublicKey
    """The hop's key on this path, from which its node id cannot be told."""
    encrypted_recipient_data: Hex
    """What the hop is told, encrypted for it."""


class BlindedPath(Event, frozen=True):
    """The way back to the sender, who stays unknown. It begins at a node or at a channel's end."""

    first_node_id: PublicKey | None = None
    """Where the path begins; `None` if that is told by a channel."""
    first_scid: ShortChannelId | None = None
    """A channel at one end of which the path begins."""
    first_scid_dir: U32 | None = None
    """Which end: the node that this direction (0 or 1) of the channel comes from."""
    first_path_key: PublicKey | None = None
    """With it the first hop finds its part of the secret. Since v24.11."""
    hops: list[BlindedHop] | None = None
    """In their order."""
    blinding: PublicKey | None = None
    """What daemons before v24.11 call `first_path_key`, which then has the same value."""

    def __post_init__(self) -> None:
        if self.first_path_key is None and self.blinding is not None:
            force_setattr(self, "first_path_key", self.blinding)


class OnionField(Event, frozen=True):
    """A field of the message (a TLV) that the daemon does not know."""

    number: U64
    """Its type."""
    value: Hex
    """Its content."""


class OnionMessage(Event, frozen=True):
    """The message."""

    reply_blindedpath: BlindedPath | None = None
    """A reply must take this path, if there is one."""
    invoice_request: Hex | None = None
    """Somebody asks for an invoice (BOLT 12)."""
    invoice: Hex | None = None
    """An invoice (BOLT 12)."""
    invoice_error: Hex | None = None
    """Why there is no invoice (BOLT 12)."""
    unknown_fields: list[OnionField] | None = None
    """For extensions."""


class OnionMessageHandled(HookAnswer, frozen=True, tag_field="result", tag="handled"):
    """The message was for this plugin: no other one gets it."""
