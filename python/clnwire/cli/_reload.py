"""Restarts plugins when their files change, for `clnwire run --reload`."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from clnwire.host import Host, HostError
from clnwire.host.logbook import Logbook
from clnwire.host.plugins.ending import end

EVERY: Final = 0.3
"""Seconds between two looks at the files."""
_END: Final = 5.0
"""Seconds that a plugin has to end before it is killed."""


class Reloader:
    """Watches the files of plugins from its creation on."""

    def __init__(
        self,
        host: Host,
        paths: Sequence[Path],
        restart: Callable[[Path], Awaitable[object]],
        book: Logbook,
    ) -> None:
        self._host, self._restart, self._book = host, restart, book
        self._seen = {path: _stamps(path) for path in paths}

    async def run(self) -> None:
        """Restarts plugins until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            for path, seen in self._seen.items():
                now = _stamps(path)
                if now != seen:
                    self._seen[path] = now
                    changed = min(file for file, _ in now ^ seen)
                    self._say("info", f"restarting {path.name}: {changed.name} has changed")
                    await self._again(path)

    async def _again(self, path: Path) -> None:
        for plugin in self._host.plugins:
            if plugin.path == path:
                await end(plugin, _END)
        try:
            await self._restart(path)
        except HostError as error:
            self._say("broken", f"{error}; change {path.name} to start it again")

    def _say(self, level: str, text: str) -> None:
        self._book.write(level, "lightningd", text)


def _stamps(path: Path) -> frozenset[tuple[Path, tuple[int, int]]]:
    """The files that exist, each with the time of its last change and its size."""
    found: set[tuple[Path, tuple[int, int]]] = set()
    for file in _files(path.resolve()):
        with suppress(OSError):
            status = file.stat()
            found.add((file, (status.st_mtime_ns, status.st_size)))
    return frozenset(found)


def _files(file: Path) -> Iterator[Path]:
    """The plugin's file, and the Python modules and packages beside it and in `src` beside it.

    Other folders are left out: a plugin may stand in a home directory.
    """
    yield file
    for folder in (file.parent, file.parent / "src"):
        yield from folder.glob("*.py")
        for package in folder.glob("*/__init__.py"):
            yield from package.parent.rglob("*.py")
