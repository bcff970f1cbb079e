"""`peer_connected`: a peer has connected and completed the handshake.

Safe answer: continue. A peer that is turned away by mistake can cost a channel.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from clnwire.hooks._spec import Continue, HookSpec, go_on


class ConnectedPeer(Struct, frozen=True, gc=False):
    """The peer."""

    id: str
    """Its node id: a compressed public key, 66 hexadecimal digits."""
    addr: str
    """Where the connection comes from or goes to; of an incoming one, the port is ephemeral."""
    direction: str | None = None
    """`in` or `out`, as seen from this node. `None` from the daemon of 2019."""
    features: str | None = None
    """Feature bits (BOLT 9) in hexadecimal. `None` from the daemon of 2019."""
    remote_addr: str | None = None
    """The address of ours that the peer says it sees."""
    globalfeatures: str | None = None
    """Only from the daemon of 2019, which had two sets of feature bits."""
    localfeatures: str | None = None
    """Only from the daemon of 2019."""


class PeerConnected(Struct, frozen=True, gc=False):
    """A peer has connected."""

    peer: ConnectedPeer


class PeerDisconnect(Struct, frozen=True, omit_defaults=True, tag_field="result", tag="disconnect"):
    """Hang up."""

    error_message: str | None = None
    """Sent to the peer first, if given."""


Answer: TypeAlias = Continue | PeerDisconnect

SPEC = HookSpec(
    "peer_connected", event=PeerConnected, answers=(Continue, PeerDisconnect), safe=go_on
)
