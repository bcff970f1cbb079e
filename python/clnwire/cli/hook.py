"""`clnwire hook`: calls a hook of the plugins of a running host."""

from typing import Annotated

from clnwire.cli._arguments import DEFAULT_DIR, LightningDir, Network, Payload, RpcFile, argument
from clnwire.cli._client import send_event, socket_path
from clnwire.cli._completion import hook_names

EXAMPLES = (
    ("clnwire hook peer_connected", "a sample event, as lightningd sends it"),
    ("clnwire hook db_write", "the next version of the database"),
    ("""clnwire hook recover '{"codex32":"cl10lue"}'""", "an event of your own"),
)


def hook(
    name: Annotated[str, argument(None, "Such as peer_connected.", autocompletion=hook_names)],
    payload: Payload = None,
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
    send_event("hook", "hook", name, payload, socket_path(lightning_dir, network, rpc_file))
