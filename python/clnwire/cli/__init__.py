"""The command line, `clnwire`: a module here whose name has no underscore is a command.

It has a function of its own name. Only the command that is used is imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

    app: typer.Typer

__all__ = ["app", "main"]

_NEEDED = frozenset(("click", "psutil", "rich", "typer"))
"""The packages of the extra `cli`."""


def main() -> None:
    """Runs the command line; ends the process with its status: 2 if it cannot work at all."""
    try:
        from clnwire.cli._group import build

        commands = build()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        sys.stderr.write("clnwire's command line needs more packages: pip install 'clnwire[cli]'\n")
        sys.exit(2)
    # As `python -m clnwire`, too.
    commands(prog_name="clnwire")


def __getattr__(name: str) -> Any:
    # Only the command line needs these packages, so import them on use.
    if name == "app":
        from clnwire.cli._group import build

        globals()["app"] = commands = build()
        return commands
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
