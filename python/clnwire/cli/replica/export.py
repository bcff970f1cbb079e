"""`clnwire replica export`: writes the replica to files that any program can read."""

from pathlib import Path
from typing import Annotated

from clnwire.cli._arguments import argument
from clnwire.cli.replica._common import AsJson, Directory, opened, report
from clnwire.replica import restoring

EXAMPLES = (("clnwire replica export ./replica", "base.sqlite3 and sets.jsonl, decrypted"),)


def export(
    target: Annotated[Path, argument("DIR", "A new directory.")],
    directory: Directory = None,
    as_json: AsJson = False,
) -> None:
    """Writes the newest base and the sets after it, decrypted, to a new directory.

    base.sqlite3 is the database at the base. Each line of sets.jsonl is a set: version,
    foreign_keys, and writes, the statements to execute in one transaction. Both can spend the
    node's money.

    Status 2: the directory exists, or the replica cannot be read.
    """
    with opened(directory, as_json=as_json) as (reader, _, _, steps):
        done = restoring.export(reader, target, steps)
    rows = {
        restoring.BASE: f"version {done.base_version}",
        restoring.SETS: f"{done.sets:,} sets, to version {done.version}",
    }
    report(done, rows, f"{target} has the replica. It can spend the node's money.", as_json=as_json)
