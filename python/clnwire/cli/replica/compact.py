"""`clnwire replica compact`: makes a newer base, and removes what is older than the last ones."""

import tempfile
from pathlib import Path
from typing import Annotated

from clnwire.cli._arguments import File, option
from clnwire.cli.replica._common import AsJson, Directory, opened, report, size
from clnwire.replica import compacting
from clnwire.replica.records import VERSIONS

EXAMPLES = (("clnwire replica compact", "the node may run meanwhile"),)


def compact(
    directory: Directory = None,
    room: Annotated[
        File,
        option(
            "DIR",
            "Where two copies of the database fit: otherwise the directory of a file: engine, "
            "or the one for temporary files.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Makes a base with all sets that the node has committed, and removes what is older.

    The plugin runs this by itself when the log has grown by snapshot-interval. The node does not
    wait for it.

    Status 2: no base was made, and nothing was removed.
    """
    with opened(directory, as_json=as_json) as (reader, settings, _, steps):
        if room is None:
            is_local = settings.scheme == "file"
            room = settings.local_directory if is_local else Path(tempfile.gettempdir())
        done = compacting.compact(reader, room, settings.snapshot_retention, steps)
    rows = {
        "base": f"version {done.base.sequence % VERSIONS}, {size(done.base.size)}",
        "bases kept": f"{done.bases}",
    }
    headline = f"A base with {done.sets:,} more sets is stored."
    if not done.sets:
        headline = "The last base has all that the node has certainly committed."
    report(done, rows, headline, as_json=as_json)
