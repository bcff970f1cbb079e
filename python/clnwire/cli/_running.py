"""A host that runs until somebody ends it: Ctrl-C, the command `stop`, or something fatal."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, TextIO

from clnwire.cli._on_demand import register
from clnwire.cli._settings import DEFAULTS, LISTS
from clnwire.host import Host, HostError
from clnwire.host.config import ConfigError, plugin_options
from clnwire.host.logbook import Logbook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clnwire.cli._settings import Settings
    from clnwire.host.life import Stopped
    from clnwire.host.manifest import Option

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OWN: Final = (*LISTS, *DEFAULTS, "conf", "trace")
"""The names of clnwire's own options."""


async def serve(settings: Settings, *, trace: bool) -> str | None:
    """Runs the host; why it failed, if so. Raises `HostError` if it could not start."""
    with _stream(settings.single["log-file"]) as stream:
        book = Logbook(stream, level=settings.single["log-level"], colours=_wants_colours(stream))
        host = Host(
            dialect="2019" if settings.single["dialect"] == "2019" else "current",
            lightning_dir=settings.directory,
            network=settings.single["network"],
            on_log=book.write,
            on_trace=book.trace if trace else None,
        )
        register(host, settings.single["dialect"])
        asyncio.get_running_loop().set_exception_handler(partial(_stray, book))
        async with host:
            stopped = await _Run(host).run(settings)
        if stopped is not None and stopped.failed:
            return stopped.reason
        book.write("info", "lightningd", "Shutdown complete")
        return None


class _Run:
    """From the start to the reason to end."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._interrupted = asyncio.Event()

    async def run(self, settings: Settings) -> Stopped | None:
        """`None` if a signal came. The plugins are still there afterwards."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        interrupted = asyncio.ensure_future(self._interrupted.wait())
        running = asyncio.ensure_future(self._until_stopped(settings))
        await asyncio.wait((interrupted, running), return_when=asyncio.FIRST_COMPLETED)
        if self._interrupted.is_set():
            # A plugin that ends of the same Ctrl-C is no reason any more.
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            return None
        interrupted.cancel()
        return running.result()

    def _on_signal(self) -> None:
        if self._interrupted.is_set():
            for plugin in self._host.plugins:
                plugin.kill("was not waited for: interrupted twice")
        self._interrupted.set()

    async def _until_stopped(self, settings: Settings) -> Stopped:
        def options(known: Mapping[str, Option]) -> Mapping[str, object]:
            return plugin_options(settings.others, known, OWN)

        plugins = await self._host.start_all(settings.specs, options)
        if settings.specs and not plugins:
            raise ConfigError("none of the plugins runs; the log says why")
        announce(self._host, settings)
        return await self._host.wait_stopped()


def announce(host: Host, settings: Settings) -> None:
    """Says on stdout where the host can be reached, and how."""
    calls = [
        f"{method.name} {method.usage}".rstrip()
        for plugin in host.plugins
        for method in plugin.manifest.methods.values()
    ]
    where = "".join(
        f" --{name}={shlex.quote(settings.single[name])}"
        for name in ("lightning-dir", "network")
        if settings.single[name] != DEFAULTS[name]
    )
    names = ", ".join(plugin.name for plugin in host.plugins) or "no plugins"
    lines = [f"clnwire runs {names}", f"socket: {host.rpc_path}", "from another terminal:"]
    lines += [f"    clnwire call{where} {call}" for call in (calls or ["help"])]
    sys.stdout.write("\n".join([*lines, "Ctrl-C ends it.", ""]))
    sys.stdout.flush()


def _stray(book: Logbook, loop: object, context: Mapping[str, object]) -> None:
    """What nobody waited for: that a plugin has ended is in the log already."""
    del loop
    error = context.get("exception")
    if not isinstance(error, HostError):
        book.write("broken", "lightningd", f"{context.get('message')}: {error!r}")


def _stream(log_file: str) -> TextIO:
    """Where the log goes. A stream of its own, which may be closed."""
    try:
        if log_file:
            return open(os.path.expanduser(log_file), "a", encoding="utf-8")  # noqa: PTH111, PTH123
        return open(
            sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, errors="replace", closefd=False
        )
    except OSError as error:
        raise ConfigError(f"the log file {log_file} cannot be written: {error.strerror}") from None


def _wants_colours(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")
