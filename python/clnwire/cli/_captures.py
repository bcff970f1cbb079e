"""What the commands share that read a capture: their arguments, and a bar on a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Capture = Annotated[Path, typer.Argument(help="JSON lines, plain or gzipped.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="WHERE", help="A message's number, or a time such as 12.5s."),
]
To = Annotated[str | None, typer.Option("--to", metavar="WHERE", help="The last one, likewise.")]


@contextmanager
def bar(text: str, total: int, *, hidden: bool = False) -> Generator[Callable[[int], None]]:
    """A bar on stderr if a person sees it; gives what sets how far it is."""
    if hidden or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn(text), BarColumn(), TaskProgressColumn(), Remaining())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(text, total=total)
        yield lambda done: shown.update(task, completed=done)


def size_of(path: Path) -> int:
    """The file's bytes; 0 if that cannot be told, which reading it will explain."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
