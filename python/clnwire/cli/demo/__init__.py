"""`clnwire demo`: a simulated node has its database replicated by a plugin.

`traffic` makes the writes, `node` has the plugin approve each before it commits, `compare` looks
for differences in the end, and `report` says how it went.
"""

import asyncio
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

from rich.console import Console

from clnwire.cli._arguments import File, Word, flag, option
from clnwire.cli._captures import bar
from clnwire.cli._failing import fail, print_json
from clnwire.cli.demo.compare import first_difference
from clnwire.cli.demo.node import DATABASE, run
from clnwire.cli.demo.replica import DemoReplica
from clnwire.cli.demo.report import DemoReport, report, table
from clnwire.errors import ClnwireError

DIFFERS: Final = 1
FAILED: Final = 2
EXAMPLES: Final = (
    ("clnwire demo", "clnwire-replica with a journal on this disk, 20,000 transactions"),
    ("clnwire demo --engine=postgresql://me@localhost/db", "the replica in PostgreSQL"),
    ("clnwire demo --plugin=./backup.py --keep=/tmp/both", "your own plugin; both databases stay"),
)


def demo(
    writes: Annotated[int, option(None, "How many transactions.", min=2)] = 20_000,
    plugin: Annotated[
        File, option(None, "The db_write plugin; clnwire-replica if not given.")
    ] = None,
    engine: Annotated[
        Word, option(None, "Where clnwire-replica stores; a directory if not given.")
    ] = None,
    keep: Annotated[File, option(None, "A directory to leave both databases in.")] = None,
    as_json: Annotated[bool, flag("Print one JSON object and nothing else.", "--json")] = False,
) -> None:
    """A plugin replicates the database of a simulated node.

    In the middle, node and plugin are killed before a commit, and start again. At the end the
    database is restored from the replica, and compared with the node's.

    Exits with 0 if the databases are the same, 1 if they differ, 2 if the demo could not run to
    its end.
    """
    outcome = _outcome(plugin, engine, keep, writes, quiet=as_json)
    if as_json:
        print_json(outcome)
    elif outcome.verdict != "failed":
        Console().print(table(outcome))
    if outcome.verdict != "same":
        status = FAILED if outcome.verdict == "failed" else DIFFERS
        fail("demo", outcome.error or outcome.difference or "", status)


def _outcome(
    plugin: Path | None, engine: str | None, keep: Path | None, writes: int, *, quiet: bool
) -> DemoReport:
    try:
        if plugin is not None and engine is not None:
            raise ClnwireError("--engine is for clnwire-replica; leave out --plugin or --engine")
        with _directory(keep) as directory, bar("writes", writes, hidden=quiet) as advance:
            copy = directory / "replica.sqlite3"
            environment, restore = {"CLNWIRE_REPLICA": str(copy)}, None
            if plugin is None:
                replica = DemoReplica(directory, engine)
                plugin, environment, restore = replica.plugin, replica.environment, replica.restore
            measured = asyncio.run(run(plugin, environment, directory, writes, advance))
            seconds = None if restore is None else restore(copy)
            return report(measured, first_difference(directory / DATABASE, copy), seconds)
    except (ClnwireError, OSError) as error:
        return DemoReport("failed", writes, error=str(error))


@contextmanager
def _directory(keep: Path | None) -> Generator[Path, None, None]:
    """Where the databases are: a directory that is to be kept, or a temporary one."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="clnwire-demo-") as name:
            yield Path(name)
        return
    keep.mkdir(parents=True, exist_ok=True)
    if any(keep.iterdir()):
        raise ClnwireError(f"{keep} is not empty; name a new directory to keep the databases in")
    yield keep.absolute()
