"""`peer_connected`: a peer has connected and completed the handshake.

Kind: chain; the first plugin that disconnects decides.
Safe answer: continue. To disconnect a peer by mistake can cost a channel.
Refusal: disconnect.
Any other answer: ends the daemon.
"""

from collections.abc import Callable
from typing import Annotated, TypeAlias

from clnwire._wire.codec import encode
from clnwire._wire.dialect import NO_RELEASE
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._spec import Continue, HookSpec, go_on
from clnwire.types import Hex, Known, PublicKey


class ConnectedPeer(Event, frozen=True):
    """The connected peer."""

    id: PublicKey
    """The peer's node id."""
    addr: str
    """The peer's address in this connection. An incoming connection has an ephemeral port, at which
    the peer cannot be reached again."""
    direction: Annotated[str, Known(("in", "out"))] | None = None
    """`in` if the peer opened the connection, `out` if this node did. `None` before v0.10."""
    features: Hex | None = None
    """The peer's feature bits (BOLT 9). `None` from the daemon of 2019."""
    remote_addr: str | None = None
    """This node's address as the peer reports it, if it does."""
    globalfeatures: Hex | None = None
    """The global feature bits. Only from the daemon of 2019, which had two sets."""
    localfeatures: Hex | None = None
    """The local feature bits. Only from the daemon of 2019."""


class PeerConnected(Event, frozen=True):
    """A peer has connected."""

    peer: ConnectedPeer
    """The peer."""


class PeerDisconnect(HookAnswer, frozen=True, tag_field="result", tag="disconnect"):
    """Disconnect the peer."""

    error_message: str | None = None
    """Sent to the peer first, as a warning. If it is `None` clnwire sends `disconnected`: without a
    message, daemons before v0.10 leave the connection half open, and later ones crash."""


Answer: TypeAlias = Continue | PeerDisconnect


def _complete(answer: Answer, warn: Callable[[str], object]) -> bytes:
    """Adds a message to a disconnect that has none."""
    if isinstance(answer, PeerDisconnect) and answer.error_message is None:
        return encode(PeerDisconnect("disconnected"))
    return encode(answer)


SPEC = HookSpec(
    "peer_connected",
    event=PeerConnected,
    answers=(Continue, PeerDisconnect),
    complete=(NO_RELEASE, _complete),
    safe=go_on,
    refusal=PeerDisconnect(),
)
