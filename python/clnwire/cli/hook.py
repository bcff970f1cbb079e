"""`clnwire hook`: calls a hook of the plugins of a running host."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from msgspec import json

from clnwire.cli._arguments import DEFAULT_DIR, LightningDir, Network, RpcFile
from clnwire.cli._client import answer_of, socket_path
from clnwire.cli._completion import hook_names
from clnwire.cli.fire import event_params

METHOD = "clnwire-hook"
EXAMPLES = (
    ("clnwire hook peer_connected", "a sample event, as lightningd sends it"),
    ("clnwire hook db_write", "the next version of the database"),
    ("""clnwire hook recover '{"codex32":"cl10lue"}'""", "an event of your own"),
)


def hook(
    name: Annotated[str, typer.Argument(help="Such as peer_connected.", autocompletion=hook_names)],
    payload: Annotated[
        str | None, typer.Argument(metavar="[JSON]", help="The event. Default: a sample.")
    ] = None,
    lightning_dir: LightningDir = DEFAULT_DIR,
    network: Network = "regtest",
    rpc_file: RpcFile = "lightning-rpc",
) -> None:
    """Calls the plugins that have registered a hook, and prints their answer.

    An answer at which lightningd would stop ends the host. db_write without an event sends the next
    version of the database.

    Status 1: the host refused, or the answer is fatal. Status 2: no host runs, or the command line
    is wrong.
    """
    path = socket_path(lightning_dir, network, rpc_file)
    result = answer_of("hook", path, METHOD, event_params("hook", "hook", name, payload))
    sys.stdout.write(json.format(result, indent=3).decode() + "\n")
