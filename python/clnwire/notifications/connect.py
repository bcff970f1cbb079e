"""`connect`: a connection to a peer was established."""

from __future__ import annotations

from typing import Annotated, Any

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U16, Known, PublicKey


class ConnectAddress(Event, frozen=True):
    """Where the peer is. Which members there are depends on `type`."""

    type: Annotated[str, Known(("local socket", "ipv4", "ipv6", "torv2", "torv3", "websocket"))]
    """What kind of address it is; of an incoming connection never `torv2` or `torv3`."""
    address: str | None = None
    """The address, unless it is a local socket."""
    port: U16 | None = None
    """The port, unless it is a local socket."""
    socket: str | None = None
    """The path, if it is a local socket."""


class Connect(Event, frozen=True):
    """A peer is connected."""

    id: PublicKey
    """The peer."""
    address: ConnectAddress
    """Of most use where the connection goes out."""
    direction: Annotated[str, Known(("in", "out"))] | None = None
    """As seen from this node. `None` from daemons before v0.10."""


def _older(event: dict[str, Any]) -> None:
    """The protocol's first document has the address as a bare string, without its type. No daemon
    was seen to send it so."""
    address: str = event["address"]
    event["address"] = {"type": _kind(address), "address": address}


def _kind(address: str) -> str:
    """What an address must be that comes without its type, and perhaps with a port."""
    if ".onion" in address:
        return "torv3"
    return "ipv6" if address.count(":") > 1 else "ipv4"


SPEC = TopicSpec("connect", Connect, older=_older)
