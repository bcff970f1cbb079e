"""While the plugin runs: a method is made when it is first used. Its types are in the stub."""

from __future__ import annotations

from clnwire.commands._typed import TypedMethods as AwaitableCommands

__all__ = ["AwaitableCommands"]
