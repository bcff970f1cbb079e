"""`clnwire replica drill`: restores the replica for practice."""

from pathlib import Path
from typing import Annotated

from clnwire.cli._arguments import File, option
from clnwire.cli.replica._common import AsJson, Directory, opened, report, rows_of
from clnwire.replica.files import scratch
from clnwire.replica.restoring import restore

EXAMPLES = (
    ("clnwire replica drill --room /var/tmp", "for cron, on any machine that has the settings"),
)


def drill(
    directory: Directory = None,
    room: Annotated[
        File,
        option("DIR", "Where two copies of the database fit: otherwise this directory."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Restores the newest state as after a disaster, checks it, and removes it.

    It needs no node and may run on any machine. It checks every digest and chain, the database's
    integrity, and its foreign keys, and says how long restoring takes. To compare with a node's
    database, run `clnwire replica verify` on its machine.

    Status 2: it could not be restored.
    """
    with (
        opened(directory, as_json=as_json) as (reader, _, _, steps),
        scratch(room or Path.cwd()) as folder,
    ):
        restored = restore(reader, folder / "lightningd.sqlite3", reader.newest(), steps)
    report(restored, rows_of(restored), "The replica can be restored.", as_json=as_json)
