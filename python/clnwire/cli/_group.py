"""The commands of `clnwire`, each imported when it is used.

A command's module may have `SETTINGS`, which go to its context, and `EXAMPLES`: command lines, each
with what it is for, which its help ends with.
"""

from __future__ import annotations

import os
import re
from importlib import import_module
from importlib.util import find_spec
from inspect import cleandoc
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from clnwire import __version__
from clnwire.cli._failing import CANNOT, DEBUG, fail, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PANELS: Final = {
    "Write a plugin": ("new", "check", "bench"),
    "Run plugins without a node": ("run", "call", "fire", "hook", "demo"),
    "Record what a node says": ("record", "replay", "trace"),
}
"""Where the list of commands shows which; the others come last."""
_PACKAGE: Final = "clnwire.cli"
_SUMMARY: Final = re.compile(r'"""`clnwire [a-z-]+`: (.+?)\.?(?:"""|$)', re.MULTILINE)
_USAGE: Final[Any] = typer.BadParameter.__base__
"""typer's base class for errors in the command line."""
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


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"clnwire {__version__}")
        raise typer.Exit


def _own_options(
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Shows the traceback of what goes wrong."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Prints the version, and exits.",
        ),
    ] = False,
) -> None:
    del version  # Its callback does it all.
    if debug:
        os.environ[DEBUG] = "1"


def names() -> list[str]:
    """The commands: the modules of the package whose names have no underscore."""
    return sorted(
        module.name
        for module in iter_modules([str(Path(__file__).parent)])
        if "_" not in module.name
    )


class LazyGroup(TyperGroup):
    """Takes a command's function from the module of its name, when it is used.

    An error in any command is handled here and ends with one line.
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

        return guarded(lambda: ctx.invoked_subcommand or "", named, (*_OWN, _USAGE))


class LazyCommand(TyperCommand):
    """A command's name and summary, without its module; that is imported when it is called."""

    def __init__(self, name: str) -> None:
        panel = next((title for title, members in PANELS.items() if name in members), None)
        super().__init__(name, short_help=summary(name), rich_help_panel=panel)

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """The context is the real command's, and so is all that follows."""
        return load(str(self.name)).make_context(info_name, args, parent, **extra)


class CommandWithExamples(TyperCommand):
    """A command whose help ends with examples."""

    examples: Sequence[tuple[str, str]] = ()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints the help."""
        super().format_help(ctx, formatter)
        if self.examples:
            _print_examples(self.examples)


def load(name: str) -> Any:
    """The real command."""
    module = import_module(f"{_PACKAGE}.{name}")
    function = getattr(module, name)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    settings: dict[str, Any] | None = getattr(module, "SETTINGS", None)
    text = _flowing(function.__doc__ or "")
    single.command(name, cls=CommandWithExamples, context_settings=settings, help=text)(function)
    command: Any = get_command(single)
    command.examples = getattr(module, "EXAMPLES", ())
    return command


def summary(name: str) -> str:
    """A command's summary, read from the first line of its module without importing it."""
    spec = find_spec(f"{_PACKAGE}.{name}")
    source: str | None = None
    if spec is not None and spec.origin is not None:
        with open(spec.origin, encoding="utf-8") as file:  # noqa: PTH123
            source = file.readline()
    found = _SUMMARY.match(source or "")
    if found is None:
        return str(load(name).get_short_help_str(100))
    return found[1][0].upper() + found[1][1:] + "."


def _flowing(text: str) -> str:
    """The paragraphs without line ends, so that they fit terminals of any width."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _print_examples(examples: Sequence[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(" Examples", style="bold")
    for command, meaning in examples:
        console.print(Text(f"   # {meaning}", "dim"), soft_wrap=True)
        # Neither wrap nor frame a command, so that it can be copied.
        console.print(Text(f"   {command}", "cyan"), soft_wrap=True)
    console.print()


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
