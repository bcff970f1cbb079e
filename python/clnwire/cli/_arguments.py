"""How commands declare arguments and options, and those that several share."""

from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

DEFAULT_DIR: Final = "~/.clnwire"
"""Not `~/.lightning`: a plugin on trial must not reach a node's files."""

Word: TypeAlias = str | None
Words: TypeAlias = list[str] | None
File: TypeAlias = Path | None


def argument(metavar: str | None, text: str, **settings: Any) -> Any:
    """An argument; without a metavar it has that of its name or type."""
    return typer.Argument(metavar=metavar, help=text, **settings)


def option(metavar: str | None, text: str, *names: str, **settings: Any) -> Any:
    """An option with a value. Without `names` it is named like its parameter."""
    return typer.Option(*names, metavar=metavar, help=text, **settings)


def flag(text: str, *names: str, **settings: Any) -> Any:
    """An option without a value."""
    return typer.Option(*names, help=text, **settings)


LightningDir = Annotated[str, option("DIR", "The daemon's directory.", "--lightning-dir")]
Network = Annotated[str, option("NAME", "The network's name.", "--network")]
RpcFile = Annotated[str, option("FILE", "The socket, in DIR/NAME unless absolute.", "--rpc-file")]
Payload = Annotated[Word, argument("[JSON]", "The event. Default: a sample.")]
Capture = Annotated[Path, argument(None, "The capture, plain or gzipped.")]
From = Annotated[Word, option("WHERE", "First message, as a number or a time: 12.5s.", "--from")]
To = Annotated[Word, option("WHERE", "Last message, likewise.", "--to")]
PluginCommand = Annotated[list[str], argument("-- PLUGIN [ARGS...]", "The command of the plugin.")]
PluginArguments = Annotated[Words, argument("[-- ARGS...]", "The file's own arguments.")]
PluginOptions = Annotated[
    Words, option("NAME=VALUE", "An option of the plugin; may be repeated.", "--option")
]
AsJson = Annotated[bool, flag("Prints JSON.", "--json")]
