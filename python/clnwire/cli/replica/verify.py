"""`clnwire replica verify`: compares the replica with the node's database."""

from typing import Annotated

import typer

from clnwire.cli._arguments import option
from clnwire.cli.replica._common import AsJson, Directory, opened, report, seconds, size
from clnwire.replica import verifying

EXAMPLES = (
    ("clnwire replica verify", "the node runs, or does not"),
    ("clnwire replica verify --json --wait 600", "for cron: status 1 if they differ"),
)


def verify(
    directory: Directory = None,
    wait: Annotated[
        float, option("SECONDS", "How long a running node may take to write.")
    ] = verifying.WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Compares the replica with the node's database, row by row.

    If the node runs, the plugin copies the database while the node waits for the answer to its next
    set: a second for each few hundred MB, or no time where the file system shares blocks. All the
    rest is done on the copy. It needs room for two copies beside the database.

    Status 1: they differ. Status 2: they could not be compared.
    """
    with opened(directory, as_json=as_json) as (reader, settings, network, steps):
        verdict = verifying.verify(reader, settings, network, steps, wait_seconds=wait)
    headline = "The replica is the same as the node's database."
    if verdict.difference is not None:
        headline = f"The replica differs from the node's database in {verdict.difference}."
    rows = {
        "version": f"{verdict.version}",
        "tables": f"{verdict.tables}",
        "size": size(verdict.restored.size),
        "restoring took": seconds(verdict.restored.seconds),
    }
    report(verdict, rows, headline, as_json=as_json)
    if not verdict.is_same:
        raise typer.Exit(1)
