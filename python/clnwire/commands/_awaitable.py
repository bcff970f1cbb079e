"""The run-time class; the stub beside this file has a typed method for each command."""

from clnwire.commands._command import TypedMethods as AwaitableCommands

__all__ = ["AwaitableCommands"]
