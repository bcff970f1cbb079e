"""What the commands share that read a capture: their arguments, and a bar on a terminal."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

EVERY: Final = 0.5
"""Seconds between two looks."""
Capture = Annotated[Path, typer.Argument(help="JSON lines, plain or gzipped.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="WHERE", help="A message's number, or a time such as 12.5s."),
]
To = Annotated[str | None, typer.Option("--to", metavar="WHERE", help="The last one, likewise.")]


@contextmanager
def bar(
    text: str, total: int, *, hidden: bool = False
) -> Generator[Callable[[int], object], None, None]:
    """A bar on stderr if a person sees it; gives what sets how far it is."""
    if hidden or not sys.stderr.isatty():
        yield lambda _done: None
        return
    # Loaded for people alone.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn(text), BarColumn(), TaskProgressColumn(), Remaining())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as shown:
        task = shown.add_task(text, total=total)
        yield lambda done: shown.update(task, completed=done, refresh=True)


@asynccontextmanager
async def moving_bar(
    text: str, total: int, done: Callable[[], int], *, hidden: bool = False
) -> AsyncGenerator[None, None]:
    """A bar that calls `done` every `EVERY` seconds; more often would slow the work down."""

    import asyncio

    async def move() -> None:
        # Work that ends within this time shows no bar.
        await asyncio.sleep(EVERY)
        with bar(text, total, hidden=hidden) as advance:
            while True:
                advance(done())
                await asyncio.sleep(EVERY)

    moving = asyncio.get_running_loop().create_task(move())
    try:
        yield
    finally:
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)


def size_of(path: Path) -> int:
    """The file's bytes; 0 if that cannot be told, which reading it will explain."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
