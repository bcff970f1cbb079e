"""`check`: the daemon asks whether a method would accept these params, without running it.

The params are those of the method with `command_to_check` added. Among positional params it comes
first.
"""

from clnwire._wire.structs import Event


class Check(Event, frozen=True):
    """The member that `check` adds to the method's params."""

    command_to_check: str
    """The method's name."""


class Checked(Check, frozen=True):
    """The result if the method would accept the params; if not, the reply is its error."""
