"""A host that runs until somebody ends it: Ctrl-C, the command `stop`, or something fatal."""

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, TextIO, cast

from clnwire._wire.environment import LOG_SHOWN_BY
from clnwire._wire.foreign import in_one_line
from clnwire._wire.levels import SCALE
from clnwire.checking.file import obstacles
from clnwire.cli._commands import register
from clnwire.cli._reload import Reloader
from clnwire.cli._settings import DEFAULTS, LISTS, RunSettings
from clnwire.host import Host, HostError
from clnwire.host.config import ConfigError, plugin_options
from clnwire.host.logbook import Logbook
from clnwire.host.plugins.boot import LATER_START, MIGRATIONS
from clnwire.host.plugins.launcher import PluginSpec
from clnwire.host.plugins.owner import Stopped
from clnwire.host.rules.dialect import Name
from clnwire.host.rules.manifest import Option

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OWN: Final = (*LISTS, *DEFAULTS, "conf", "trace", "reload")
"""The names of clnwire's own options."""
VERSION_FILE: Final = "clnwire.data_version"
"""The version of the last set, kept from run to run.

Otherwise a replica would see the database go back in time, and refuse it.
"""


async def serve(settings: RunSettings, *, trace: bool, reloads: bool) -> str | None:
    """Runs the host; returns why it failed, or `None`. Raises `HostError` if it cannot start."""
    dialect = cast("Name", settings.single["dialect"])
    if reloads and dialect == "2019":
        raise ConfigError("--reload: the daemon of 2019 does not survive the end of a plugin")
    with _stream(settings.single["log-file"]) as stream:
        colours = stream.isatty() and not os.environ.get("NO_COLOR")
        book = Logbook(stream, level=settings.single["log-level"], colours=colours)
        _show_no_line_twice(settings, stream)
        _warn_of_files(settings.specs, book)
        host = Host(
            dialect=dialect,
            lightning_dir=settings.directory,
            network=settings.single["network"],
            plugin_dirs=[Path(folder).expanduser() for folder in settings.lists["plugin-dir"]],
            disabled_plugins=settings.lists["disable-plugin"],
            on_log=book.write,
            on_trace=book.trace if trace else None,
        )
        run = _Run(host, settings, book if reloads else None)
        register(host, settings, run.commit)
        asyncio.get_running_loop().set_exception_handler(partial(_stray, book))
        async with AsyncExitStack() as stack:
            # The host commits while it ends, too.
            stack.callback(run.commit)
            try:
                await stack.enter_async_context(host)
            except OSError as error:
                reason = f"{settings.directory} cannot be used: {error.strerror}"
                raise ConfigError(reason) from None
            stopped = await run.run()
        if stopped is not None and stopped.failed:
            return stopped.reason
        book.write("info", "lightningd", "Shutdown complete")
        return None


def _warn_of_files(specs: Sequence[PluginSpec], book: Logbook) -> None:
    """Logs what would keep lightningd from starting the plugins' files."""
    for path in [Path(spec.path) for spec in specs if isinstance(spec.path, (str, Path))]:
        for obstacle in obstacles(path):
            message = f"lightningd could not start it like this: {obstacle.message}"
            book.write("warn", f"plugin-{path.name}", in_one_line(message))


class _Run:
    """From the start of the plugins to the reason to end. Restarts plugins if it has a `book`."""

    def __init__(self, host: Host, settings: RunSettings, book: Logbook | None) -> None:
        self._host, self._settings, self._book = host, settings, book
        self._version_file = host.rpc_path.with_name(VERSION_FILE)
        self._interrupted = asyncio.Event()

    async def run(self) -> Stopped | None:
        """Returns `None` after a signal. The plugins still run then."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        interrupted = asyncio.ensure_future(self._interrupted.wait())
        running = asyncio.ensure_future(self._until_stopped())
        await asyncio.wait((interrupted, running), return_when=asyncio.FIRST_COMPLETED)
        if self._interrupted.is_set():
            # A plugin that exits at the same Ctrl-C must not count as the reason.
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

    async def _until_stopped(self) -> Stopped:
        host, specs, book = self._host, self._settings.specs, self._book
        reloader = None
        if book is not None:
            # No plugin is important: its next version is started again.
            specs = [PluginSpec(spec.path) for spec in specs]
            paths = [Path(str(spec.path)) for spec in specs]
            reloader = Reloader(host, paths, self._restart, book)

        def options(known: Mapping[str, Option]) -> Mapping[str, object]:
            return self._options(known, strict=not reloader or len(host.plugins) == len(specs))

        with suppress(OSError, ValueError):
            host.data_version = int(self._version_file.read_text())
        # Only a new database gets the migrations.
        migrations = LATER_START if host.data_version else MIGRATIONS
        plugins = await host.start_all(specs, options, migrations=migrations)
        self.commit()
        if specs and not plugins and not reloader:
            raise ConfigError("none of the plugins runs; the log says why")
        announce(host, self._settings)
        if not reloader:
            return await host.wait_stopped()
        reloading = asyncio.ensure_future(reloader.run())
        try:
            return await host.wait_stopped()
        finally:
            reloading.cancel()

    def _options(self, known: Mapping[str, Option], *, strict: bool) -> Mapping[str, object]:
        written = self._settings.others
        if not strict:
            # The other options are of other plugins, or of one that did not start.
            written = [one for one in written if one.name in known]
        return plugin_options(written, known, OWN)

    async def _restart(self, path: Path) -> None:
        options = partial(self._options, strict=False)
        await self._host.start(path, options, migrations=LATER_START)
        self.commit()

    def commit(self, version: int = 0) -> None:
        """Saves this version, or that of the host's last set. Raises `OSError`."""
        version = version or self._host.data_version
        if version:
            self._version_file.write_text(f"{version}\n")


def _to_try(host: Host) -> list[tuple[str, str]]:
    """Commands, and what to give them: methods, or in their absence what the daemon would do."""
    manifests = [plugin.manifest for plugin in host.plugins]
    methods = [method for manifest in manifests for method in manifest.methods.values()]
    calls = [("call", f"{method.name} {method.usage}".rstrip()) for method in methods]
    hooks = [("hook", hook) for manifest in manifests for hook in manifest.hooks]
    topics = [("fire", topic) for manifest in manifests for topic in manifest.subscriptions]
    events = [event for event in (*hooks, *topics) if event[1] != "*"]
    return calls or events or [("call", "help")]


def announce(host: Host, settings: RunSettings) -> None:
    """Says on stdout where the host can be reached, and how."""
    where = "".join(
        f" --{name}={shlex.quote(settings.single[name])}"
        for name in ("lightning-dir", "network")
        if settings.single[name] != DEFAULTS[name]
    )
    names = ", ".join(plugin.name for plugin in host.plugins) or "no plugins"
    lines = [f"clnwire runs {names}", f"socket: {host.rpc_path}", "from another terminal:"]
    lines += [f"    clnwire {command}{where} {words}" for command, words in _to_try(host)]
    shown = map(in_one_line, [*lines, "Ctrl-C ends it."])
    try:
        sys.stdout.write("".join(f"{line}\n" for line in shown))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader is gone. Without this, Python would report it again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stray(book: Logbook, loop: object, context: Mapping[str, object]) -> None:
    """What nobody waited for: that a plugin has ended is in the log already."""
    del loop
    error = context.get("exception")
    if not isinstance(error, HostError):
        book.write("broken", "lightningd", f"{context.get('message')}: {error!r}")


@contextmanager
def _stream(log_file: str) -> Generator[TextIO, None, None]:
    """Where the log goes. Raises `ConfigError` if it cannot be written."""
    try:
        # Another stream than Python's own for stdout: it may break, and takes any character.
        target = Path(log_file).expanduser() if log_file else os.dup(sys.stdout.fileno())
        stream = open(target, "a" if log_file else "w", encoding="utf-8", errors="replace")  # noqa: PTH123, SIM115
    except OSError as error:
        raise ConfigError(f"the log file {log_file} cannot be written: {error.strerror}") from None
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.close()


def _show_no_line_twice(settings: RunSettings, stream: TextIO) -> None:
    """Has plugins leave out of stderr what goes to the log, if both end up in one place."""
    with suppress(OSError, ValueError, AttributeError):
        shows_warnings = SCALE.index(settings.single["log-level"]) <= SCALE.index("unusual")
        if shows_warnings and os.path.sameopenfile(stream.fileno(), sys.stderr.fileno()):
            os.environ[LOG_SHOWN_BY] = str(os.getpid())
