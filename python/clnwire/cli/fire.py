"""`clnwire fire`: sends a notification to the plugins of a running host."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from msgspec import json

from clnwire.cli._arguments import DEFAULT_DIR, LightningDir, Network, RpcFile
from clnwire.cli._client import answer_of, socket_path
from clnwire.cli._completion import topic_names
from clnwire.cli._failing import fail
from clnwire.cli._params import WordError, json_text, string_text

METHOD = "clnwire-fire"
EXAMPLES = (
    ("clnwire fire connect", "a sample event, as lightningd sends it"),
    ("""clnwire fire news '{"text":"Hi"}'""", "a topic of another plugin"),
)


def fire(
    topic: Annotated[
        str,
        typer.Argument(
            help="One of lightningd's, such as connect, or of a plugin's.",
            autocompletion=topic_names,
        ),
    ],
    payload: Annotated[
        str | None, typer.Argument(metavar="[JSON]", help="The event. Default: a sample.")
    ] = None,
    lightning_dir: LightningDir = DEFAULT_DIR,
    network: Network = "regtest",
    rpc_file: RpcFile = "lightning-rpc",
) -> None:
    """Sends a notification to the plugins that have subscribed to its topic.

    Prints what was sent, and to how many. Works with `clnwire run`, not with a real lightningd.

    Status 1: no plugin has subscribed, or the host refused. Status 2: no host runs, or the command
    line is wrong.
    """
    path = socket_path(lightning_dir, network, rpc_file)
    result = answer_of("fire", path, METHOD, event_params("fire", "topic", topic, payload))
    sys.stdout.write(json.format(result, indent=3).decode() + "\n")


def event_params(command: str, kind: str, name: str, payload: str | None) -> bytes:
    """The params of the host's command: the name, and the payload unchanged."""
    try:
        named = string_text(name)
        text = None if payload is None else json_text(payload)
    except WordError as error:
        fail(command, str(error))
    event = b"" if text is None else b',"payload":' + text
    return b"{%s:%s%s}" % (json.encode(kind), named, event)
