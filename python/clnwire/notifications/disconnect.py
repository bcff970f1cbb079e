"""`disconnect`: the connection to a peer was lost."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class Disconnect(Struct, frozen=True, gc=False):
    """A peer is gone."""

    id: str
    """Its node id: a compressed public key, 66 hexadecimal digits."""


decode = msgspec.json.Decoder(Disconnect).decode
