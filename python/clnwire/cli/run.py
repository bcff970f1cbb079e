"""`clnwire run`: runs plugins under an embedded host, as lightningd would."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from clnwire.cli._completion import one_of
from clnwire.cli._failing import fail
from clnwire.cli._running import serve
from clnwire.cli._settings import CHOICES, DEFAULTS, LISTS, RunSettings, gather
from clnwire.host import HostError

SETTINGS: dict[str, Any] = {
    # Unknown options are the plugins', whose help is part of the help.
    "ignore_unknown_options": True,
    "help_option_names": [],
}

EXAMPLES = (
    ("clnwire run hello.py --greeting=Hi", "a plugin with an option of its own"),
    ("clnwire run hello.py --help", "the options of the plugin"),
    ("clnwire run hello.py --reload --trace", "restart it at each change, show all messages"),
    ("clnwire run hello.py --answer listpeerchannels=channels.json", "a node with channels"),
)
_Words = list[str] | None
_SINGLE = {name: f"{' | '.join(choices)} ({DEFAULTS[name]})." for name, choices in CHOICES.items()}


def run(
    context: typer.Context,
    words: Annotated[
        _Words,
        typer.Argument(
            metavar="[PLUGIN]... [--NAME=VALUE]...", help="Plugins to start, and their options."
        ),
    ] = None,
    plugin: Annotated[
        _Words, typer.Option(metavar="FILE", help="A plugin to start; may be repeated.")
    ] = None,
    important_plugin: Annotated[
        _Words, typer.Option(metavar="FILE", help="The same; the host ends when the plugin does.")
    ] = None,
    plugin_dir: Annotated[
        _Words, typer.Option(metavar="DIR", help="Starts every executable file in it.")
    ] = None,
    disable_plugin: Annotated[
        _Words, typer.Option(metavar="NAME", help="Does not start this path or file name.")
    ] = None,
    answer: Annotated[
        _Words,
        typer.Option(metavar="COMMAND=FILE", help="Answers the plugins' calls from a JSON file."),
    ] = None,
    answers: Annotated[
        str | None, typer.Option(metavar="DIR", help="The same, for each COMMAND.json in it.")
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Restarts a plugin when its files change.")
    ] = False,
    conf: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Reads options: a name=value on each line.")
    ] = None,
    lightning_dir: Annotated[
        str | None,
        typer.Option(metavar="DIR", help=f"The host's directory ({DEFAULTS['lightning-dir']})."),
    ] = None,
    network: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"The network ({DEFAULTS['network']}).")
    ] = None,
    dialect: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=_SINGLE["dialect"], autocompletion=one_of(CHOICES["dialect"])
        ),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL", help=_SINGLE["log-level"], autocompletion=one_of(CHOICES["log-level"])
        ),
    ] = None,
    log_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Appends the log to it.")
    ] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Shows all messages.")] = False,
    wants_help: Annotated[
        bool, typer.Option("--help", "-h", help="Shows this, and the options of the plugins.")
    ] = False,
) -> None:
    """Runs plugins without a node: options, calls, notifications and hooks as in lightningd.

    The plugins' calls to lightningd are answered by a node with nothing in it, unless --answer or
    --answers gives something else. Ctrl-C or `clnwire call stop` ends it.

    Status 1: the host ended because of an error. Status 2: it could not start.
    """
    own = {name: context.params[name.replace("-", "_")] for name in (*LISTS, *DEFAULTS)}
    try:
        settings = gather(own, words or [], conf)
        if wants_help:
            _help(context, settings)
            return
        failure = asyncio.run(serve(settings, trace=trace, reloads=reload))
    except HostError as error:
        fail("run", str(error))
    if failure is not None:
        fail("run", failure, 1)


def _help(context: typer.Context, settings: RunSettings) -> None:
    from clnwire.cli._manifests import plugin_help

    # With rich, typer prints the text itself.
    typer.echo(context.get_help(), nl=False)
    if settings.specs:
        typer.echo(asyncio.run(plugin_help(settings)), nl=False)
