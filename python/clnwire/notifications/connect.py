"""`connect`: a peer has connected."""

from typing import Annotated, Any

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U16, Known, PublicKey


class ConnectAddress(Event, frozen=True):
    """The peer's address. Its `type` decides which other members it has."""

    type: Annotated[str, Known(("local socket", "ipv4", "ipv6", "torv2", "torv3", "websocket"))]
    """The kind of address. An incoming connection never has `torv2` or `torv3`."""
    address: str | None = None
    """The address; `None` for a local socket."""
    port: U16 | None = None
    """The port; `None` for a local socket."""
    socket: str | None = None
    """The path of a local socket; `None` for other kinds."""


class Connect(Event, frozen=True):
    """A peer has connected."""

    id: PublicKey
    """The peer's node id."""
    address: ConnectAddress
    """The peer's address. An incoming connection has an ephemeral port, at which the peer cannot be
    reached again."""
    direction: Annotated[str, Known(("in", "out"))] | None = None
    """`in` if the peer opened the connection, `out` if this node did. `None` before v0.10."""


def _upgrade(event: dict[str, Any]) -> None:
    """Adds the type to an address that is a bare string, as in the protocol's first document. No
    released daemon is known to send that."""
    address: str = event["address"]
    event["address"] = {"type": _kind(address), "address": address}


def _kind(address: str) -> str:
    """The type of an address without a type, which may have a port."""
    if ".onion" in address:
        return "torv3"
    return "ipv6" if address.count(":") > 1 else "ipv4"


SPEC = TopicSpec("connect", Connect, upgrade=_upgrade)
