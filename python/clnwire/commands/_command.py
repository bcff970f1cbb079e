"""Base classes of the generated command modules."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import fields

from clnwire._wire.structs import Event


class Params(Struct, frozen=True, omit_defaults=True):
    """A command's params. Members that are `None` are left out of the JSON."""


class Reply(Event, frozen=True):
    """A command's result. Members that the Struct does not list are ignored."""


class Command(NamedTuple):
    """A command: its name, and the types of its params and of its result."""

    method: str
    request: type[Params]
    reply: type[Reply] | Any

    def usage(self) -> str:
        """The method's name and its parameters in order; optional ones are in brackets."""
        shown = [each.name if each.required else f"[{each.name}]" for each in fields(self.request)]
        return " ".join([self.method, *shown])
