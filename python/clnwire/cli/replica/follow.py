"""`clnwire replica follow`: keeps the database ready on another machine, and makes bases."""

import os
import signal
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

from clnwire._wire.foreign import printable
from clnwire.cli._arguments import argument, flag
from clnwire.cli.replica._common import Directory, load_settings
from clnwire.replica.following import Follower

EXAMPLES = (
    (
        "clnwire replica follow /var/lib/replica --directory /etc/clnwire",
        "as a service, with a copy of the settings in /etc/clnwire",
    ),
    ("clnwire replica follow /var/lib/replica --once", "for cron"),
)


def follow(
    target: Annotated[Path, argument("DIR", "For the database; made if needed.")],
    directory: Directory = None,
    once: Annotated[bool, flag("Ends when it has what the engine has now.", "--once")] = False,
) -> None:
    """Executes the sets of the replica on a database of this machine, as they come.

    When the sets have grown by snapshot-interval it stores a new base in the engine, and removes
    what is older than the last snapshot-retention bases. So the node's machine has nothing to do
    for that. The database never has the newest set, which the node may not have committed: restore
    with `clnwire replica restore`, and start no node with it.

    It goes on where it was, and waits while the engine cannot be reached. SIGTERM and Ctrl-C end
    it.

    Status 2: the replica is damaged, or must not be used.
    """
    os.umask(0o077)
    settings, _ = load_settings(directory)
    follower = Follower(settings, target, _say)
    ended = threading.Event()
    if once:
        ended.set()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    with closing(follower):
        follower.follow(ended)


def _say(text: str) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stderr.write(f"{stamp} {printable(text)}\n")
