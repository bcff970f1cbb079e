"""Decoding of `init`, which tolerates malformed parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from clnwire import _core
from clnwire.messages.init import Configuration, Init

if TYPE_CHECKING:
    from clnwire._runtime.log import Log


def decode_init(params: bytes, log: Log) -> Init:
    """Decodes the params of `init`.

    An option's value need not be JSON (lightningd copies integers as the user spelled them). From
    an unknown form of the configuration only the socket's path is read. Raises `MalformedError` or
    `msgspec.ValidationError` if the path is missing.
    """
    members = dict(_core.members(params))
    options = dict(_core.members(members.get("options", b"{}")))
    raw = members.get("configuration", b"{}")
    try:
        return Init(options, msgspec.json.decode(raw, type=Configuration))
    except msgspec.ValidationError as error:
        place = msgspec.json.decode(raw, type=_Place)
        log.warn(f"init: only the socket's path could be read from the configuration: {error}")
        return Init(options, Configuration(place.lightning_dir, place.rpc_file))


class _Place(Struct, rename="kebab"):
    lightning_dir: str
    rpc_file: str
