"""Finds the commands of `clnwire`, and imports each when it is used.

A package whose `GROUP` is true is a group of commands, one in each of its modules. A command's
module may define `SETTINGS`, typer's settings for the command's context, and `EXAMPLES`, pairs of a
command line and its purpose, which are printed at the end of its help.
"""

import os
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from inspect import cleandoc
from keyword import iskeyword
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from clnwire import __version__
from clnwire._wire.nearest import did_you_mean
from clnwire.cli._arguments import flag
from clnwire.cli._failing import CANNOT, DEBUG, fail, guarded

PANELS: Final = {
    "Write a plugin": ("new", "examples", "check", "bench"),
    "Run plugins without a node": ("run", "pyln", "call", "fire", "hook", "demo"),
    "Record what a node says": ("record", "replay", "trace"),
    "Keep a second copy of a node's database": ("replica",),
}
"""Section of `clnwire --help` → its commands in order. All other commands come last."""
_PACKAGE: Final = "clnwire.cli"
_KEYWORD: Final = "_"
"""The suffix of a module whose command has the name of a Python keyword: `import_`."""
_SUMMARY: Final = re.compile(r'"""`clnwire [a-z -]+`: (.+?)\.?(?:"""|$)', re.MULTILINE)
_USAGE: Final[Any] = typer.BadParameter.__base__
"""typer's base class of errors in the command line. Its module differs between releases."""
_OWN: Final = (typer.Exit, typer.Abort)
_HELP: Final[dict[str, Any]] = {"help_option_names": ["-h", "--help"]}


def build() -> typer.Typer:
    """Makes the whole command line."""
    commands = typer.Typer(name="clnwire", pretty_exceptions_enable=False)
    commands.callback(
        cls=LazyGroup,
        help="A typed, Rust-accelerated JSON transport for Core Lightning plugins.",
        no_args_is_help=True,
        context_settings=_HELP,
    )(_own_options)
    return commands


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"clnwire {__version__}")
        raise typer.Exit


def _own_options(
    debug: Annotated[bool, flag("Shows the traceback of an error.", "--debug")] = False,
    version: Annotated[
        bool,
        flag("Shows the version and exits.", "--version", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    # `_print_version` has handled it.
    del version
    if debug:
        os.environ[DEBUG] = "1"


def names(group: str = "") -> list[str]:
    """The commands, or those of a group: the modules whose names have no underscore."""
    folder = Path(__file__).parent / group
    return sorted(
        module.name.removesuffix(_KEYWORD)
        for module in iter_modules([str(folder)])
        if "_" not in module.name.removesuffix(_KEYWORD)
    )


class _WithExamples:
    """Help that names no types, and ends with examples."""

    examples: Sequence[tuple[str, str]] = ()

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters as the help shows them: arguments by their metavars, flags without one."""
        command: Any = super()
        params: list[Any] = command.get_params(ctx)
        for each in params:
            if each.param_type_name == "argument":
                each.metavar = each.metavar or each.name.upper()
                each.display_type_rich = _no_type
            elif each.is_flag:
                each.metavar = ""
        return params

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints the help."""
        command: Any = super()
        command.format_help(ctx, formatter)
        if self.examples:
            _print_examples(self.examples)


def _no_type(ctx: Any) -> None:
    del ctx


class LazyGroup(_WithExamples, TyperGroup):
    """Imports a command's module when the command is used.

    Reports whatever a command raises in one line, without a traceback.
    """

    group = ""
    """The package with the commands, below `clnwire.cli`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names by panel, then alphabetically. Imports nothing."""
        del ctx
        found = names(self.group)
        shown = [name for panel in PANELS.values() for name in panel if name in found]
        return [*shown, *(name for name in found if name not in shown)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """`None` if there is no such command."""
        del ctx
        if cmd_name not in names(self.group):
            return None
        return LazyCommand(cmd_name, self.group)

    def resolve_command(self, ctx: Any, args: Any) -> Any:
        """The command. If there is none of this name, the error suggests the nearest one."""
        if args and not ctx.resilient_parsing and args[0] not in names(self.group):
            hint = did_you_mean(args[0], names(self.group))
            _fail_usage(self.group, f"there is no command '{args[0]}'{hint}")
        return super().resolve_command(ctx, args)

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Reads the options that stand before the command."""
        with_usage = super().make_context
        return _usage_in_one_line(lambda: with_usage(info_name, args, parent, **extra))

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        run = super().invoke

        def named() -> Any:
            return _usage_in_one_line(lambda: run(ctx))

        def name() -> str:
            return f"{self.group} {ctx.invoked_subcommand or ''}".strip()

        return guarded(name, named, (*_OWN, _USAGE))


class LazyCommand(TyperCommand):
    """A command's name and summary; its module is imported when it is called."""

    def __init__(self, name: str, group: str = "") -> None:
        self._group = group
        panel = next((title for title, members in PANELS.items() if name in members), None)
        super().__init__(name, short_help=summary(name, group), rich_help_panel=panel)

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """The context of the real command."""
        return load(str(self.name), self._group).make_context(info_name, args, parent, **extra)


class RealCommand(_WithExamples, TyperCommand):
    """A command of one function."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The usage line, which shows arguments by their metavars."""
        arguments = [each for each in self.get_params(ctx) if each.param_type_name == "argument"]
        return ["[OPTIONS]", *(str(each.metavar) for each in arguments)]


def load(name: str, group: str = "") -> Any:
    """The real command, or a group of commands."""
    module = import_module(_module(name, group))
    settings = {**_HELP, **getattr(module, "SETTINGS", {})}
    commands = typer.Typer(name=name, add_completion=False, pretty_exceptions_enable=False)
    if getattr(module, "GROUP", False):
        text = summary(name) + (module.__doc__ or "").partition("\n")[2]
        commands.callback(
            cls=type("Group", (LazyGroup,), {"group": name}),
            help=_flowing(text),
            no_args_is_help=True,
            context_settings=settings,
        )(lambda: None)
    else:
        function = getattr(module, f"{name}_" if hasattr(module, f"{name}_") else name)
        text = _flowing(function.__doc__ or "")
        commands.command(name, cls=RealCommand, context_settings=settings, help=text)(function)
    command: Any = get_command(commands)
    command.examples = getattr(module, "EXAMPLES", ())
    return command


def _module(name: str, group: str) -> str:
    """The module of a command."""
    inner = f"{_PACKAGE}.{group}.{name}" if group else f"{_PACKAGE}.{name}"
    return inner + _KEYWORD if iskeyword(name) else inner


def summary(name: str, group: str = "") -> str:
    """A command's summary: the first line of its module, which is read and not imported."""
    spec = find_spec(_module(name, group))
    assert spec is not None
    with open(str(spec.origin), encoding="utf-8") as file:  # noqa: PTH123
        found = _SUMMARY.match(file.readline())
    assert found is not None
    return found[1][0].upper() + found[1][1:] + "."


def _flowing(text: str) -> str:
    """The text with one line a paragraph, which the terminal then wraps."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _print_examples(examples: Sequence[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(" Examples", style="bold")
    for command, meaning in examples:
        console.print(Text(f"   # {meaning}", "dim"), soft_wrap=True)
        # A user can copy a command that is neither wrapped nor framed.
        console.print(Text(f"   {command}", "cyan"), soft_wrap=True)
    console.print()


def _usage_in_one_line(run: Callable[[], Any]) -> Any:
    """Runs a function. A wrong command line ends it with one line, which names the help."""
    try:
        return run()
    except _USAGE as error:
        kind = type(error).__name__
        if kind == "NoArgsIsHelpError":
            raise
        context = error.ctx
        path = context.command_path if context is not None else "clnwire"
        message = " ".join(error.format_message().split()).rstrip(".")
        message = message[:1].lower() + message[1:]
        if kind == "NoSuchOption" and context is not None:
            word: str = error.option_name
            message = f"there is no option {word}{did_you_mean(word, options(context))}"
        _fail_usage(path.partition(" ")[2], message)


def options(context: Any) -> list[str]:
    """The spellings of a command's options."""
    return [word for each in context.command.get_params(context) for word in each.opts]


def _fail_usage(command: str, text: str) -> None:
    fail(command, f"{text}; see: {f'clnwire {command}'.strip()} --help", CANNOT)
