"""`clnwire fire`: sends a notification to the plugins of a running host."""

from typing import Annotated

from clnwire.cli._arguments import DEFAULT_DIR, LightningDir, Network, Payload, RpcFile, argument
from clnwire.cli._client import send_event, socket_path
from clnwire.cli._completion import topic_names

EXAMPLES = (
    ("clnwire fire connect", "a sample event, as lightningd sends it"),
    ("""clnwire fire news '{"text":"Hi"}'""", "a topic of another plugin"),
)
_TOPIC = "One of lightningd's, such as connect, or of a plugin's."


def fire(
    topic: Annotated[str, argument(None, _TOPIC, autocompletion=topic_names)],
    payload: Payload = None,
    lightning_dir: LightningDir = DEFAULT_DIR,
    network: Network = "regtest",
    rpc_file: RpcFile = "lightning-rpc",
) -> None:
    """Sends a notification to the plugins that have subscribed to its topic.

    Prints what was sent, and to how many. Works with `clnwire run`, not with a real lightningd.

    Status 1: no plugin has subscribed, or the host refused. Status 2: no host runs, or the command
    line is wrong.
    """
    send_event("fire", "topic", topic, payload, socket_path(lightning_dir, network, rpc_file))
