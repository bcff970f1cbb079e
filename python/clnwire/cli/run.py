"""`clnwire run`: plugins under an embedded host, as one runs them under lightningd."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from clnwire.cli._failing import fail
from clnwire.cli._running import serve
from clnwire.cli._settings import CHOICES, DEFAULTS, RunSettings, gather
from clnwire.host import HostError

SETTINGS: dict[str, Any] = {
    # Options that are not clnwire's are the plugins', and their help is part of the help.
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}

EXAMPLES = (
    ("clnwire run --plugin=hello.py --greeting=Hi", "a plugin, with an option of its own"),
    ("clnwire run --plugin=hello.py --help", "which options it has"),
    ("clnwire run --plugin-dir=plugins --trace", "all plugins of a folder, with all messages"),
)
_Paths = list[str] | None


def _dialects(incomplete: str) -> list[str]:
    return [name for name in CHOICES["dialect"] if name.startswith(incomplete)]


def _levels(incomplete: str) -> list[str]:
    return [name for name in CHOICES["log-level"] if name.startswith(incomplete)]


def run(
    context: typer.Context,
    plugin: Annotated[
        _Paths, typer.Option(metavar="FILE", help="A plugin to start; once for each.")
    ] = None,
    important_plugin: Annotated[
        _Paths, typer.Option(metavar="FILE", help="The same; the host ends when it does.")
    ] = None,
    plugin_dir: Annotated[
        _Paths, typer.Option(metavar="DIR", help="All executables in it are plugins.")
    ] = None,
    disable_plugin: Annotated[
        _Paths, typer.Option(metavar="NAME", help="Not this one, by its path or file name.")
    ] = None,
    conf: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Options, as name=value or name on a line.")
    ] = None,
    lightning_dir: Annotated[
        str | None,
        typer.Option(metavar="DIR", help=f"The daemon's directory ({DEFAULTS['lightning-dir']})."),
    ] = None,
    network: Annotated[
        str | None, typer.Option(help=f"The part of it that is used ({DEFAULTS['network']}).")
    ] = None,
    dialect: Annotated[
        str | None,
        typer.Option(help=" | ".join(CHOICES["dialect"]), metavar="NAME", autocompletion=_dialects),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            help=f"{' | '.join(CHOICES['log-level'])} (info).",
            metavar="LEVEL",
            autocompletion=_levels,
        ),
    ] = None,
    log_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Appends the log to it, not to the terminal.")
    ] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Shows all messages.")] = False,
    wants_help: Annotated[
        bool, typer.Option("--help", help="This, with the options of the plugins that are given.")
    ] = False,
) -> None:
    """Runs plugins without a node: options, calls, notifications and hooks as in lightningd.

    Other options are the plugins' own, such as --greeting=Hi. It ends at Ctrl-C and at
    `clnwire call stop`, and all plugins with it.

    Status 1: the host ended for a fatal reason. Status 2: it could not start.
    """
    own = {
        "plugin": plugin,
        "important-plugin": important_plugin,
        "plugin-dir": plugin_dir,
        "disable-plugin": disable_plugin,
        "lightning-dir": lightning_dir,
        "network": network,
        "dialect": dialect,
        "log-level": log_level,
        "log-file": log_file,
    }
    try:
        settings = gather(own, [] if wants_help else context.args, conf)
        if wants_help:
            _help(context, settings)
            return
        failure = asyncio.run(serve(settings, trace=trace))
    except HostError as error:
        fail("run", str(error), 2)
    if failure is not None:
        fail("run", failure, 1)


def _help(context: typer.Context, settings: RunSettings) -> None:
    """clnwire's own options, and those that the plugins' manifests have."""
    from clnwire.cli._manifests import plugin_help

    # With rich, typer prints the text itself.
    typer.echo(context.get_help(), nl=False)
    if settings.specs:
        typer.echo(asyncio.run(plugin_help(settings)), nl=False)
