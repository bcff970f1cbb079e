"""`clnwire run`: runs plugins under an embedded host, as lightningd would."""

import asyncio
import sys
from typing import Annotated, Any, cast

import typer

from clnwire._wire.foreign import in_one_line
from clnwire.cli._arguments import File, Word, Words, argument, flag, option
from clnwire.cli._completion import one_of
from clnwire.cli._failing import fail
from clnwire.cli._running import serve
from clnwire.cli._settings import CHOICES, DEFAULTS, LISTS, RunSettings, gather
from clnwire.host import Host
from clnwire.host.rules.dialect import Name
from clnwire.host.rules.manifest import Option

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


def _one_of(metavar: str, name: str) -> Any:
    text = f"{' | '.join(CHOICES[name])} ({DEFAULTS[name]})."
    return option(metavar, text, autocompletion=one_of(CHOICES[name]))


def run(
    context: typer.Context,
    words: Annotated[
        Words, argument("[PLUGIN]... [--NAME=VALUE]...", "Plugins to start, and their options.")
    ] = None,
    plugin: Annotated[Words, option("FILE", "A plugin to start; may be repeated.")] = None,
    important_plugin: Annotated[
        Words, option("FILE", "The same; the host ends when the plugin does.")
    ] = None,
    plugin_dir: Annotated[Words, option("DIR", "Starts every executable file in it.")] = None,
    disable_plugin: Annotated[
        Words, option("NAME", "Does not start this path or file name.")
    ] = None,
    answer: Annotated[
        Words, option("COMMAND=FILE", "Answers the plugins' calls from a JSON file.")
    ] = None,
    answers: Annotated[Word, option("DIR", "The same, for each COMMAND.json in it.")] = None,
    reload: Annotated[bool, flag("Restarts a plugin when its files change.", "--reload")] = False,
    conf: Annotated[File, option("FILE", "Reads options: a name=value on each line.")] = None,
    lightning_dir: Annotated[
        Word, option("DIR", f"The host's directory ({DEFAULTS['lightning-dir']}).")
    ] = None,
    network: Annotated[Word, option("NAME", f"The network ({DEFAULTS['network']}).")] = None,
    dialect: Annotated[Word, _one_of("NAME", "dialect")] = None,
    log_level: Annotated[Word, _one_of("LEVEL", "log-level")] = None,
    log_file: Annotated[Word, option("FILE", "Appends the log to it.")] = None,
    trace: Annotated[bool, flag("Shows all messages.", "--trace")] = False,
    wants_help: Annotated[
        bool, flag("Shows this, and the options of the plugins.", "--help", "-h")
    ] = False,
) -> None:
    """Runs plugins without a node: options, calls, notifications and hooks as in lightningd.

    The plugins' calls to lightningd are answered by a node with nothing in it, unless --answer or
    --answers gives something else. Ctrl-C or `clnwire call stop` ends it.

    Status 1: the host ended because of an error. Status 2: it could not start.
    """
    own = {name: context.params[name.replace("-", "_")] for name in (*LISTS, *DEFAULTS)}
    settings = gather(own, words or [], conf)
    if wants_help:
        # With rich, typer prints the text itself.
        typer.echo(context.get_help(), nl=False)
        if settings.specs:
            typer.echo(asyncio.run(_plugin_help(settings)), nl=False)
        return
    failure = asyncio.run(serve(settings, trace=trace, reloads=reload))
    if failure is not None:
        fail("run", failure, 1)


async def _plugin_help(settings: RunSettings) -> str:
    """The options of the plugins, by plugin. Raises `HostError`.

    The plugins run in a temporary folder and get no `init`.
    """
    async with Host(dialect=cast("Name", settings.single["dialect"])) as host:
        try:
            plugins = await host.load(settings.specs)
            for entry in host.remarks:
                sys.stderr.write(in_one_line(f"plugin-{entry.plugin}: {entry.message}") + "\n")
        finally:
            # Without `init` a plugin may ignore the end of its input, and help must not wait.
            for plugin in host.plugins:
                plugin.kill("was only asked for its manifest")
    return "".join(
        _section(plugin.name, list(plugin.manifest.options.values())) for plugin in plugins
    )


def _section(name: str, options: list[Option]) -> str:
    rows = [*map(_row, options)]
    width = max((len(spelled) for spelled, _ in rows), default=0)
    lines = [f"  {spelled:<{width}}  {meaning}".rstrip() for spelled, meaning in rows]
    return "\n".join([f"Options of {in_one_line(name)}:", *(lines or ["  none"]), "", ""])


def _row(option: Option) -> tuple[str, str]:
    """How an option is spelled, and what it means."""
    spelled = f"--{option.name}" if option.type == "flag" else f"--{option.name}=<{option.type}>"
    parts = [option.description]
    if option.default is not None and option.type != "flag":
        parts.append(f"(default: {option.default})")
    if option.multi:
        parts.append("(may be given several times)")
    return spelled, in_one_line(" ".join(parts))
