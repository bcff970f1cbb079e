"""`clnwire replica restore`: makes the node's database from the replica."""

import sys
from typing import Annotated

from clnwire.cli._arguments import File, option
from clnwire.cli.replica._common import AsJson, Directory, opened, report, rows_of
from clnwire.replica import restoring
from clnwire.replica.errors import ReplicaError
from clnwire.replica.owner import Owner
from clnwire.replica.standin import store_pending
from clnwire.replica.verifying import node_runs

EXAMPLES = (
    ("clnwire replica restore", "to where the node had it"),
    ("clnwire replica restore --to /mnt/check/node.sqlite3", "to look at it"),
)


def restore(
    directory: Directory = None,
    to: Annotated[
        File,
        option("FILE", "The new database: otherwise where the settings say the node's is."),
    ] = None,
    at: Annotated[
        int | None,
        option("VERSION", "An older state, to look at. Never start a node with it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Makes the node's database from the newest base and the sets after it.

    Stop the node first, and see to it that it is not running elsewhere. A file that exists is never
    replaced. The new one is checked for integrity and foreign keys, and is there whole or not at
    all. It may have one set more than the node had committed; the node replaces it.

    Status 2: nothing was restored.
    """
    with opened(directory, as_json=as_json) as (reader, settings, network, steps):
        target = (to or settings.database).expanduser().absolute()
        is_node_s = target.resolve() == settings.database.resolve()
        if is_node_s and node_runs(network):
            raise ReplicaError(
                f"a node runs in {network}: stop it first, or name another place by --to"
            )
        if at is not None and is_node_s:
            # One set behind, it would pass for the node's own before its last commit.
            raise ReplicaError(
                "--at makes an old state, which no node may start with: name another place by --to"
            )
        if at is None:
            # Otherwise the newest state would be missed.
            store_pending(settings)
        head = reader.engine.head()
        point = reader.newest() if at is None else reader.point_at(at)
        restored = restoring.restore(reader, target, point, steps)
        is_newest = head is not None and restored.chain == head.chain
        if is_newest and head is not None and is_node_s:
            # So the node may continue this replica, and need not begin another.
            Owner(target.parent, settings.node).adopt(head)
    headline = f"{target} is restored and checked."
    report(restored, rows_of(restored), headline, as_json=as_json)
    if not is_newest:
        sys.stderr.write(
            f"This is an old state. A node that starts with it can lose its money: the newest "
            f"version is {head.version if head else 'unknown'}.\n"
        )
