"""What the commands of `clnwire replica` share: the settings, the engine, and how they report."""

import os
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from msgspec import Struct, to_builtins

from clnwire.cli._arguments import File, flag, option
from clnwire.cli._failing import print_json
from clnwire.replica.opening import open_engine
from clnwire.replica.reading import Reader, Steps
from clnwire.replica.restoring import Restored
from clnwire.replica.sealing import sealing_of
from clnwire.replica.settings import ENVIRONMENT, FILE, ReplicaSettings, load, settings_path

DEFAULT_DIRECTORY = Path("~/.lightning/bitcoin")

Directory = Annotated[
    File,
    option(
        "DIR",
        f"The network's directory, which has {FILE}: otherwise the one of "
        f"${ENVIRONMENT}, this one if it has the file, or {DEFAULT_DIRECTORY}.",
        "--directory",
        "-d",
    ),
]
AsJson = Annotated[bool, flag("Prints one JSON object.", "--json")]


def settings_file(directory: Path | None) -> Path:
    """The file of the settings."""
    if directory is not None:
        return (directory.expanduser() / FILE).absolute()
    here = settings_path()
    if os.environ.get(ENVIRONMENT) or here.exists():
        return here
    return DEFAULT_DIRECTORY.expanduser() / FILE


def load_settings(directory: Path | None) -> tuple[ReplicaSettings, Path]:
    """The settings, and the network's directory."""
    path = settings_file(directory)
    return load(path), path.parent


class Opened(NamedTuple):
    """What a command works with."""

    reader: Reader
    settings: ReplicaSettings
    network: Path
    """The network's directory."""
    steps: Steps
    """Shows progress."""


@contextmanager
def opened(directory: Path | None, *, as_json: bool) -> Generator[Opened, None, None]:
    """The replica, open for reading."""
    # What is written here can spend the node's money.
    os.umask(0o077)
    settings, network = load_settings(directory)
    with closing(open_engine(settings)) as engine, progress(hidden=as_json) as steps:
        reader = Reader(engine, sealing_of(settings))
        yield Opened(reader, settings, network, steps)


@contextmanager
def progress(*, hidden: bool) -> Generator[Steps, None, None]:
    """Shows on stderr what is done: bars on a terminal, otherwise nothing."""
    if hidden or not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as shown:
        tasks: dict[str, Any] = {}

        def steps(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total or None)
            shown.update(tasks[what], completed=done)

        yield steps


def report(result: Struct, rows: dict[str, str], headline: str, *, as_json: bool) -> None:
    """Prints what was done: one JSON object, or a sentence and a table."""
    if as_json:
        print_json(to_builtins(result, builtin_types=()))
        return
    width = max(map(len, rows), default=0)
    lines = [headline, *(f"  {name:<{width}}  {value}" for name, value in rows.items())]
    sys.stdout.write("\n".join(lines) + "\n")


def rows_of(restored: Restored) -> dict[str, str]:
    """The rows of a report on a restored database."""
    return {
        "version": f"{restored.version}",
        "sets": f"{restored.sets:,} after the base",
        "size": size(restored.size),
        "took": seconds(restored.seconds),
    }


def size(count: int) -> str:
    """A number of bytes, for people."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count} B"


def seconds(number: float) -> str:
    """A duration, for people."""
    if number < 1:
        return f"{number * 1000:.0f} ms"
    if number < 120:
        return f"{number:.1f} s"
    if number < 7200:
        return f"{number / 60:.0f} minutes"
    return f"{number / 3600:.0f} hours" if number < 48 * 3600 else f"{number / 86400:.0f} days"


def ago(when: float) -> str:
    """When something was, for people."""
    return f"{seconds(max(0.0, time.time() - when))} ago"
