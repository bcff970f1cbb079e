"""`check`: would a call of a method be accepted? It is not made.

The params are those of the call with `command_to_check` beside them; if they are given by position,
it stands first.
"""

from __future__ import annotations

from clnwire._wire.structs import Event


class Check(Event, frozen=True):
    """The part of the params that is `check`'s own."""

    command_to_check: str
    """The method."""


class Checked(Event, frozen=True):
    """The answer: the call would be accepted. If not, the answer is the call's error."""

    command_to_check: str
    """The method."""
