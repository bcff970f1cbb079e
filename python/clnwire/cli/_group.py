"""The commands of `clnwire`, each imported when it is used."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from clnwire import __version__, cli


def names() -> list[str]:
    """The commands: the modules of the package whose names have no underscore."""
    return sorted(module.name for module in iter_modules(cli.__path__) if "_" not in module.name)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"clnwire {__version__}")
        raise typer.Exit


def group(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version, and exit."
        ),
    ] = False,
) -> None:
    """The options of `clnwire` itself."""
    del version  # Its callback does it all.


class LazyGroup(TyperGroup):
    """Takes a command's function from the module of its name.

    The module may have `SETTINGS`, which go to the command's context.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of the alphabet. The list of commands with their help imports all."""
        del ctx
        return names()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """`None` if there is no such command."""
        del ctx
        return _command(cmd_name) if cmd_name in names() else None


def _command(name: str) -> Any:
    module = import_module(f"{cli.__name__}.{name}")
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    settings: dict[str, Any] | None = getattr(module, "SETTINGS", None)
    single.command(name, context_settings=settings)(getattr(module, name))
    return get_command(single)
