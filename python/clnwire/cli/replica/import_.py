"""`clnwire replica import`: restores a database from a file of the plugin backup."""

import os
from pathlib import Path
from typing import Annotated

from clnwire.cli._arguments import argument, option
from clnwire.cli.replica._common import AsJson, progress, report, size
from clnwire.replica.importing import import_backup

EXAMPLES = (
    (
        "clnwire replica import backup.dbak --to lightningd.sqlite3",
        "what `backup-cli restore` does",
    ),
)


def import_(
    source: Annotated[Path, argument("FILE", "What backup has written.")],
    to: Annotated[Path, option("FILE", "The new database.")],
    as_json: AsJson = False,
) -> None:
    """Restores a database from a file of the plugin backup of lightningd/plugins.

    Sets that the node had not committed, which backup leaves in its file, are left out. The
    database is checked for integrity and foreign keys. A file that exists is never replaced.

    Status 2: nothing was restored.
    """
    os.umask(0o077)
    with progress(hidden=as_json) as steps:
        done = import_backup(source, to.absolute(), steps)
    rows = {
        "version": f"{done.version}",
        "sets": f"{done.sets:,} executed, {done.replaced:,} left out",
        "size": size(done.size),
    }
    if done.cut:
        rows["cut"] = f"{done.cut:,} bytes at the end, a record that is not whole"
    report(done, rows, f"{to} is restored and checked.", as_json=as_json)
