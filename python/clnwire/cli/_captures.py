"""What the commands that read a capture share: arguments and a progress bar."""

import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

EVERY: Final = 0.5
"""Seconds between two updates."""


@contextmanager
def bar(
    text: str, total: int, *, hidden: bool = False
) -> Generator[Callable[[int], object], None, None]:
    """A bar on stderr if that is a terminal; yields the function that advances it."""
    if hidden or not sys.stderr.isatty():
        yield lambda _done: None
        return
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
    """A bar that calls `done` every `EVERY` seconds."""
    import asyncio

    async def move() -> None:
        # Shorter work shows no bar.
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
    """The file's size; 0 if it is unknown, as reading the file then reports why."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
