"""The command itself: where things are, what is printed, and how it ends."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from msgspec import json
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from clnwire.cli.demo.compare import first_difference
from clnwire.cli.demo.node import DATABASE, WriteError, run
from clnwire.cli.demo.replica import DemoReplica
from clnwire.cli.demo.report import DemoReport, report, table
from clnwire.errors import ClnwireError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

SAME: Final = 0
DIFFERS: Final = 1
FAILED: Final = 2
INTERRUPTED: Final = 130
"""The status that a shell reports for SIGINT."""
EXAMPLES: Final = (
    ("clnwire demo", "clnwire-replica with a journal on this disk, 20,000 transactions"),
    ("clnwire demo --engine=postgresql://me@localhost/db", "the replica in PostgreSQL"),
    ("clnwire demo --plugin=./backup.py --keep=/tmp/both", "your own plugin; both databases stay"),
)


def demo(
    writes: Annotated[int, typer.Option(min=2, help="How many transactions.")] = 20_000,
    plugin: Annotated[
        Path | None, typer.Option(help="The db_write plugin; clnwire-replica if not given.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Where clnwire-replica stores; a directory if not given.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="A directory to leave both databases in.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """A plugin replicates the database of a simulated node.

    In the middle, node and plugin are killed before a commit, and start again. At the end the
    database is restored from the replica, and compared with the node's.

    Exits with 0 if the databases are the same, 1 if they differ, 2 if the demo could not run to
    its end.
    """
    try:
        outcome = _outcome(plugin, engine, keep, writes, quiet=as_json)
    except KeyboardInterrupt:
        _say("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        typer.echo(json.encode(outcome))
    elif outcome.verdict != "failed":
        Console().print(table(outcome))
    if outcome.verdict == "same":
        return
    _say(outcome.error or outcome.difference or "")
    raise typer.Exit(FAILED if outcome.verdict == "failed" else DIFFERS)


def _say(message: str) -> None:
    typer.echo(f"clnwire demo: {message}", err=True)


class _SetupError(Exception):
    """The demo cannot begin; the message says what to do."""


def _outcome(
    plugin: Path | None, engine: str | None, keep: Path | None, writes: int, *, quiet: bool
) -> DemoReport:
    try:
        if plugin is not None and engine is not None:
            raise _SetupError("--engine is for clnwire-replica; leave out --plugin or --engine")
        with _directory(keep) as directory, _progress(writes, quiet=quiet) as advance:
            copy = directory / "replica.sqlite3"
            if plugin is not None:
                environment = {"CLNWIRE_REPLICA": str(copy)}
                measured = asyncio.run(run(plugin, environment, directory, writes, advance))
                seconds = None
            else:
                replica = DemoReplica(directory, engine)
                measured = asyncio.run(
                    run(replica.plugin, replica.environment, directory, writes, advance)
                )
                seconds = replica.restore(copy)
            return report(measured, first_difference(directory / DATABASE, copy), seconds)
    except (_SetupError, WriteError, ClnwireError, OSError) as error:
        return DemoReport("failed", writes, error=_explain(error))


def _explain(error: Exception) -> str:
    """What went wrong, where, and what to look at."""
    if not isinstance(error, WriteError):
        return str(error)
    last = f"; its last log line: {error.log[-1]}" if error.log else ""
    advice = "nothing was committed from there on; look into what the plugin has printed"
    return f"{error}: {error.__cause__}{last}; {advice}"


@contextmanager
def _directory(keep: Path | None) -> Generator[Path, None, None]:
    """Where the databases are: a directory that is to be kept, or a temporary one."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="clnwire-demo-") as name:
            yield Path(name)
        return
    keep.mkdir(parents=True, exist_ok=True)
    if any(keep.iterdir()):
        raise _SetupError(f"{keep} is not empty; name a new directory to keep the databases in")
    yield keep.absolute()


@contextmanager
def _progress(total: int, *, quiet: bool) -> Generator[Callable[[], object], None, None]:
    """A bar on stderr, if a person sees it; gives what moves it on by one."""
    console = Console(stderr=True)
    columns = (TextColumn("writes"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("writes", total=total)
        yield lambda: bar.advance(task)
