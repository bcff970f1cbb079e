"""`setconfig`: the daemon's user wants to change a `dynamic` option."""

from __future__ import annotations

from clnwire._wire.structs import Event


class SetConfig(Event, frozen=True):
    """The params."""

    config: str
    """The option's name."""
    val: str | int | bool | list[str | int | bool] | None = None
    """The new value, in general a string as it was typed; a list for `multi`, `None` for a flag."""


class ConfigSet(Event, frozen=True):
    """The answer: it is done."""

    config: str
    """The option's name."""
