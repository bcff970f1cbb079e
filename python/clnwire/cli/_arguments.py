"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_DIR: Final = "~/.clnwire"
"""Not `~/.lightning`: a plugin on trial must not reach a node's files."""

LightningDir = Annotated[
    str, typer.Option("--lightning-dir", metavar="DIR", help="The daemon's directory.")
]
Network = Annotated[str, typer.Option("--network", metavar="NAME", help="The network's name.")]
RpcFile = Annotated[
    str,
    typer.Option("--rpc-file", metavar="FILE", help="The socket, in DIR/NAME unless absolute."),
]
Capture = Annotated[Path, typer.Argument(help="The capture, plain or gzipped.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="WHERE", help="First message, as a number or a time: 12.5s."),
]
To = Annotated[str | None, typer.Option("--to", metavar="WHERE", help="Last message, likewise.")]
PluginCommand = Annotated[
    list[str], typer.Argument(metavar="-- PLUGIN [ARGS...]", help="The command of the plugin.")
]
PluginArguments = Annotated[
    list[str] | None, typer.Argument(metavar="[-- ARGS...]", help="The file's own arguments.")
]
PluginOptions = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="An option of the plugin; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Prints JSON.")]
