"""The command line, `clnwire`: a module here that has a function of its own name is a command."""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import iter_modules
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
        commands = _build()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        sys.stderr.write("clnwire's command line needs more packages: pip install 'clnwire[cli]'\n")
        sys.exit(2)
    commands()


def __getattr__(name: str) -> Any:
    # Only who uses the command line needs its packages.
    if name == "app":
        globals()["app"] = commands = _build()
        return commands
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _build() -> typer.Typer:
    """All commands: from each module here, the function of the module's name."""
    import typer

    commands = typer.Typer(
        name="clnwire",
        help="A typed, Rust-accelerated JSON transport for Core Lightning plugins.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @commands.callback()
    def _() -> None:  # pyright: ignore[reportUnusedFunction]
        """With a callback, a single command is still called by its name."""

    for module in sorted(iter_modules(__path__), key=lambda module: module.name):
        function = getattr(import_module(f"{__name__}.{module.name}"), module.name, None)
        if function is not None:
            commands.command(module.name)(function)
    return commands
