"""What the modules of the commands have in common."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import fields

from clnwire._wire.structs import Event


class Params(Struct, frozen=True, omit_defaults=True):
    """What is sent. Members that are `None` are left out."""


class Reply(Event, frozen=True):
    """What comes back. Members that are not listed here are ignored."""


class Command(NamedTuple):
    """A command of the daemon's."""

    method: str
    request: type[Params]
    reply: type[Reply] | Any

    def usage(self) -> str:
        """The method with its parameters in their order; those in brackets may be left out."""
        shown = [each.name if each.required else f"[{each.name}]" for each in fields(self.request)]
        return " ".join([self.method, *shown])
