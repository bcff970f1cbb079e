"""`clnwire fire`: a notification to the plugins of a running host."""

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
from clnwire.cli._failing import fail
from clnwire.cli._params import WordError, json_text, string_text

METHOD = "clnwire-fire"
EXAMPLES = (
    ("clnwire fire connect", "a sample, as lightningd would send it"),
    ("""clnwire fire news '{"text":"Hi"}'""", "a topic of another plugin"),
)


def topic_names(incomplete: str) -> list[str]:
    """The daemon's own topics that begin so, for the shell."""
    from clnwire.host.rules.names import TOPICS

    return sorted(name for name in TOPICS if name.startswith(incomplete))


def fire(
    topic: Annotated[
        str,
        typer.Argument(
            help="Such as connect, or one that a plugin announces.", autocompletion=topic_names
        ),
    ],
    payload: Annotated[
        str | None, typer.Argument(metavar="[JSON]", help="The event; a sample if not given.")
    ] = None,
    lightning_dir: LightningDir = DEFAULT_DIR,
    network: Network = "regtest",
    rpc_file: RpcFile = "lightning-rpc",
) -> None:
    """Sends a notification to the plugins that have subscribed to its topic.

    Prints what was sent, and how often. A host's plugins can be fired at, a node's cannot.

    Status 1: the host refused. Status 2: there is no host, or the command line is wrong.
    """
    path = socket_path(lightning_dir, network, rpc_file)
    result = answer_of("fire", path, METHOD, event_params("fire", "topic", topic, payload))
    sys.stdout.write(json.format(result, indent=3).decode() + "\n")


def event_params(command: str, kind: str, name: str, payload: str | None) -> bytes:
    """The params of the host's command: the name, and the payload as it was written."""
    try:
        named = string_text(name)
        text = None if payload is None else json_text(payload)
    except WordError as error:
        fail(command, str(error), 2)
    event = b"" if text is None else b',"payload":' + text
    return b"{%s:%s%s}" % (json.encode(kind), named, event)
