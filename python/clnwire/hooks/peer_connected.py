"""`peer_connected`: a peer has connected and completed the handshake.

Kind: chain; the first plugin that wants to hang up decides.
Safe answer: continue. A peer that is turned away by mistake can cost a channel.
Refusal: disconnect.
Any other answer: ends the daemon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

from clnwire._wire.codec import encode
from clnwire._wire.dialect import NO_RELEASE
from clnwire._wire.structs import Event, HookAnswer
from clnwire.hooks._spec import Continue, HookSpec, go_on
from clnwire.types import Hex, Known, PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable


class ConnectedPeer(Event, frozen=True):
    """The peer."""

    id: PublicKey
    """Its node id."""
    addr: str
    """Where the connection comes from or goes to; of an incoming one, the port is ephemeral."""
    direction: Annotated[str, Known(("in", "out"))] | None = None
    """As seen from this node. `None` from daemons before v0.10."""
    features: Hex | None = None
    """Its feature bits (BOLT 9). `None` from the daemon of 2019."""
    remote_addr: str | None = None
    """The address of ours that the peer says it sees, if it says so."""
    globalfeatures: Hex | None = None
    """Only from the daemon of 2019, which had two sets of feature bits."""
    localfeatures: Hex | None = None
    """Only from the daemon of 2019."""


class PeerConnected(Event, frozen=True):
    """A peer has connected."""

    peer: ConnectedPeer
    """The peer."""


class PeerDisconnect(HookAnswer, frozen=True, tag_field="result", tag="disconnect"):
    """Hang up."""

    error_message: str | None = None
    """Sent to the peer first, as a warning. Without one clnwire sends `disconnected`, since every
    daemon needs one: before v0.10 they leave the connection half open, later ones crash.
    """


Answer: TypeAlias = Continue | PeerDisconnect


def _complete(answer: Answer, warn: Callable[[str], object]) -> bytes:
    """Gives an answer without a message a short one."""
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
