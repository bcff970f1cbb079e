"""`setconfig`: the daemon's user changes a `dynamic` option."""

from clnwire._wire.structs import Event


class SetConfig(Event, frozen=True):
    """The params."""

    config: str
    """The option's name."""
    val: str | int | bool | list[str | int | bool] | None = None
    """The new value, usually as the user typed it. `multi` options: a list. Flags: `None`."""


class ConfigSet(Event, frozen=True):
    """The reply: the option has its new value."""

    config: str
    """The option's name."""
