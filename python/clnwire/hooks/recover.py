"""`recover`: the daemon was started with `--recover` and has restored its secret.

This hook is for plugins that store backups with peers and can fetch them from there.

Kind: chain.
Safe answer: continue. The recovery goes on without this plugin.
Refusal: not available.
Any other answer: ends the daemon.
"""

from typing import TypeAlias

from clnwire._wire.structs import Event
from clnwire.hooks._spec import Continue, HookSpec, go_on


class Recover(Event, frozen=True):
    """The node recovers."""

    codex32: str
    """The node's secret in codex32 (BIP 93). It gives access to the money: keep it out of logs."""


Answer: TypeAlias = Continue

SPEC = HookSpec("recover", event=Recover, answers=(Continue,), safe=go_on)
