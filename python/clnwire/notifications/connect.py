"""`connect`: a connection to a peer was established."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class ConnectAddress(Struct, frozen=True, gc=False):
    """Where the peer is. Which members there are depends on `type`."""

    type: str
    """`ipv4`, `ipv6`, `torv2`, `torv3`, `local socket`, `websocket`, or one yet to come."""
    address: str | None = None
    port: int | None = None
    socket: str | None = None
    """The path, if it is a local socket."""


class Connect(Struct, frozen=True, gc=False):
    """A peer is connected."""

    id: str
    """Its node id: a compressed public key, 66 hexadecimal digits."""
    address: ConnectAddress
    direction: str | None = None
    """`in` or `out`, as seen from this node. `None` from the daemon of 2019."""


class _Connect2019(Struct):
    id: str
    address: str


_decode = msgspec.json.Decoder(Connect).decode


def decode(payload: bytes) -> Connect:
    """The daemon of 2019 gave the address as a bare string, without its type."""
    try:
        return _decode(payload)
    except msgspec.ValidationError as error:
        try:
            old = msgspec.json.decode(payload, type=_Connect2019)
        except msgspec.ValidationError:
            raise error from None
        return Connect(old.id, ConnectAddress(_kind(old.address), old.address))


def _kind(address: str) -> str:
    """What an address must be that comes without its type, and perhaps with a port."""
    if ".onion" in address:
        return "torv3"
    return "ipv6" if address.count(":") > 1 else "ipv4"
