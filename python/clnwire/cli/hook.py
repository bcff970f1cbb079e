"""`clnwire hook`: a hook's event to the plugins of a running host."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from msgspec import json

from clnwire.cli._client import (
    DEFAULT_DIR,
    LightningDir,
    Network,
    RpcFile,
    answer_of,
    socket_path,
)
from clnwire.cli.fire import event_params

METHOD = "clnwire-hook"
EXAMPLES = (
    ("clnwire hook peer_connected", "a sample, as lightningd would send it"),
    ("clnwire hook db_write", "the next version of the database"),
    ("""clnwire hook recover '{"codex32":"cl10lue"}'""", "an event of your own"),
)


def hook_names(incomplete: str) -> list[str]:
    """The daemon's hooks that begin so, for the shell."""
    from clnwire.hooks._catalogue import HOOKS

    return sorted(name for name in HOOKS if name.startswith(incomplete))


def hook(
    name: Annotated[str, typer.Argument(help="Such as peer_connected.", autocompletion=hook_names)],
    payload: Annotated[
        str | None, typer.Argument(metavar="[JSON]", help="The event; a sample if not given.")
    ] = None,
    lightning_dir: LightningDir = DEFAULT_DIR,
    network: Network = "regtest",
    rpc_file: RpcFile = "lightning-rpc",
) -> None:
    """Asks the plugins that have registered a hook, and prints their answer.

    An answer at which the daemon would stop ends the host, too. db_write without an event carries
    the next version of the database.

    Status 1: the host refused, or the answer is fatal. Status 2: there is no host, or the command
    line is wrong.
    """
    path = socket_path(lightning_dir, network, rpc_file)
    result = answer_of("hook", path, METHOD, event_params("hook", "hook", name, payload))
    sys.stdout.write(json.format(result, indent=3).decode() + "\n")
