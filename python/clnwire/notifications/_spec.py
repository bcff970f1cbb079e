"""How clnwire describes a topic: its names, its event, and the differences of older daemons."""

from collections.abc import Callable
from typing import Any

import msgspec

from clnwire._wire.older import event_decoder, older_form, rename


class TopicSpec(msgspec.Struct, frozen=True):
    """A topic and its event."""

    name: str
    """The topic's name in today's daemon."""
    event: Any
    """The Struct of the payload."""
    upgrade: Any = None
    """Changes an older daemon's payload, decoded to a dict, to today's form."""
    former_names: tuple[str, ...] = ()
    """Other names of the topic, such as those of older daemons."""
    wrapped: bool = False
    """Whether a plugin publishes the topic and wraps the payload in an object with one member."""

    @property
    def names(self) -> tuple[str, ...]:
        """Today's name and the former ones."""
        return (self.name, *self.former_names)

    def decoder(self) -> Callable[[bytes], Any]:
        """The decoder from the payload to the event's Struct, for every daemon's form."""
        if self.wrapped:
            return _unwrapping(self.event)
        return event_decoder(self.event, self.upgrade)


def _unwrapping(event: Any) -> Callable[[bytes], Any]:
    decode_wrapped = msgspec.json.Decoder(dict[str, event]).decode
    decode_bare = msgspec.json.Decoder(event).decode

    def decode(payload: bytes) -> Any:
        try:
            (unwrapped,) = decode_wrapped(payload).values()
        except ValueError:
            return decode_bare(payload)
        return unwrapped

    return decode


# Each `older_…` changes a topic's payload of an older daemon to today's form.


def older_snapshot(event: dict[str, Any]) -> None:
    for account in event["accounts"]:
        rename(account, balance="balance_msat")


def older_block(event: dict[str, Any]) -> None:
    """Copies the members out of `block`. Before v23.08 they were only there; until v24.08, also."""
    event.update(event["block"])


def older_movement(event: dict[str, Any]) -> None:
    """Before v0.12.0 amounts had other names; before v25.09 the tags were one list."""
    rename(event, credit="credit_msat", debit="debit_msat", fees="fees_msat")
    event.setdefault("created_index", 0)
    event.setdefault("primary_tag", next(iter(event.get("tags", ())), ""))


def older_peer(event: dict[str, Any]) -> None:
    """Adds the type to an address that is a bare string, as in the protocol's first document. No
    released daemon is known to send that."""
    address: str = event["address"]
    kind = "ipv6" if address.count(":") > 1 else "ipv4"
    kind = "torv3" if ".onion" in address else kind
    event["address"] = {"type": kind, "address": address}


older_channel = older_form(amount="funding_msat", funding_locked="channel_ready")
older_failed_part = older_form("data", msatoshi="amount_msat", msatoshi_sent="amount_sent_msat")
older_forward = older_form(in_msatoshi="in_msat", out_msatoshi="out_msat", fee="fee_msat")
older_invoice = older_form()
older_sent_part = older_form(
    absent={"groupid": 0},
    msatoshi="amount_msat",
    msatoshi_sent="amount_sent_msat",
    id="created_index",
)
older_warning = older_form(absent={"timestamp": ""})
