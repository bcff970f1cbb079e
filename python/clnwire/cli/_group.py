"""The commands of `clnwire`, each imported when it is used.

A command's module may have `SETTINGS`, which go to its context, and `EXAMPLES`: command lines, each
with what it is for, which its help ends with.
"""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from clnwire import __version__, cli
from clnwire.cli._failing import CANNOT, DEBUG, fail, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PANELS: Final = {
    "Write a plugin": ("new", "check", "bench"),
    "Run plugins without a node": ("run", "call", "fire", "hook", "demo"),
    "Record what a node says": ("record", "replay", "trace"),
}
"""Where the list of commands shows which; the others come last."""
_SUMMARY: Final = re.compile(r'"""`clnwire [a-z-]+`: (.+?)\.?(?:"""|$)', re.MULTILINE)
_USAGE: Final[Any] = typer.BadParameter.__base__
"""typer's error of who types the command line."""
_OWN: Final = (typer.Exit, typer.Abort)


def build() -> typer.Typer:
    """The whole command line."""
    commands = typer.Typer(
        name="clnwire",
        cls=LazyGroup,
        help="A typed, Rust-accelerated JSON transport for Core Lightning plugins.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    commands.callback()(_own_options)
    return commands


def _own_options(
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Shows the traceback of what goes wrong."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Prints the version, and exits."
        ),
    ] = False,
) -> None:
    del version  # Its callback does it all.
    if debug:
        os.environ[DEBUG] = "1"


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"clnwire {__version__}")
        raise typer.Exit


def names() -> list[str]:
    """The commands: the modules of the package whose names have no underscore."""
    return sorted(module.name for module in iter_modules(cli.__path__) if "_" not in module.name)


class LazyGroup(TyperGroup):
    """Takes a command's function from the module of its name, when it is used.

    What goes wrong in any command ends here, with one line.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of the panels, then of the alphabet. Nothing is imported for it."""
        del ctx
        found = names()
        shown = [name for panel in PANELS.values() for name in panel if name in found]
        return [*shown, *(name for name in found if name not in shown)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """`None` if there is no such command."""
        del ctx
        return LazyCommand(cmd_name) if cmd_name in names() else None

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Reads the options before the command."""
        with_usage = super().make_context
        return _usage_in_one_line(lambda: with_usage(info_name, args, parent, **extra))

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        run = super().invoke

        def named() -> Any:
            return _usage_in_one_line(lambda: run(ctx))

        name = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
        return guarded(name, named, (*_OWN, _USAGE))


class LazyCommand(TyperCommand):
    """A command's name and summary, without its module; that is imported when it is called."""

    def __init__(self, name: str) -> None:
        panel = next((title for title, members in PANELS.items() if name in members), None)
        super().__init__(name, short_help=summary(name), rich_help_panel=panel)

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """The context is the real command's, and so is all that follows."""
        return load(str(self.name)).make_context(info_name, args, parent, **extra)


def load(name: str) -> Any:
    """The real command."""
    module = import_module(f"{cli.__name__}.{name}")
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    settings: dict[str, Any] | None = getattr(module, "SETTINGS", None)
    examples: Iterable[tuple[str, str]] = getattr(module, "EXAMPLES", ())
    decorate = single.command(name, context_settings=settings, epilog=_epilog(examples))
    decorate(getattr(module, name))
    return get_command(single)


def summary(name: str) -> str:
    """What a command is, in a line: from the first line of its module, which is not imported."""
    spec = find_spec(f"{cli.__name__}.{name}")
    source: str | None = None
    if spec is not None and spec.origin is not None:
        with open(spec.origin, encoding="utf-8") as file:  # noqa: PTH123
            source = file.readline()
    found = _SUMMARY.match(source or "")
    if found is None:
        return str(load(name).get_short_help_str(100))
    return found[1][0].upper() + found[1][1:] + "."


def _epilog(examples: Iterable[tuple[str, str]]) -> str | None:
    lines = [_example(command, meaning) for command, meaning in examples]
    return "\n\n".join(["[bold]Examples[/bold]", *lines]) if lines else None


def _example(command: str, meaning: str) -> str:
    from rich.markup import escape

    shown = f"[cyan]{escape(command)}[/cyan]"
    return f"{shown}  [dim]# {escape(meaning)}[/dim]" if meaning else shown


def _usage_in_one_line(run: Callable[[], Any]) -> Any:
    """A command line that makes no sense ends with what is wrong, and where the right one is."""
    try:
        return run()
    except _USAGE as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        context = error.ctx
        path = context.command_path if context is not None else "clnwire"
        command = path.partition(" ")[2]
        message = " ".join(error.format_message().split()).rstrip(".")
        _fail_usage(command, f"{message}; see: {path} --help")


def _fail_usage(command: str, text: str) -> None:
    fail(command, text, CANNOT)
