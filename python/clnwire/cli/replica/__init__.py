"""`clnwire replica`: keeps and restores a second copy of the node's database.

The plugin clnwire-replica stores each set of writes before the node commits it. These commands set
it up, watch it, check it, and restore from it.

Status 1: the replica is not as it should be. Status 2: the command could not do its work.
"""

GROUP = True
EXAMPLES = (
    (
        "clnwire replica init file:/mnt/backup/replica --directory ~/.lightning/bitcoin",
        "once; it says what to add to lightningd's config",
    ),
    ("clnwire replica status", "is it as it should be?"),
    ("clnwire replica restore", "after the node's disk is lost"),
)
