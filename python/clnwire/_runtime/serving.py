"""From the first byte to the exit: signals, stray output, shutdown, and the exit status."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from clnwire import _core
from clnwire._definition.functions import must_not_wait
from clnwire._runtime import forks
from clnwire.errors import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeAlias

    from clnwire.plugin import Plugin

    Keep: TypeAlias = Callable[[], None]

STRAY_OUTPUT_SECONDS: Final = 0.5
"""How long the exit waits for the last stray output; only a child process can keep it waiting."""


def serve(plugin: Plugin, driver: _core.Driver, *, own_process: bool = True) -> int:
    """Serves the daemon until it goes away or a signal comes; gives the exit status.

    Whatever ends it, the `on_shutdown` functions run and all that waits is written. They have,
    together with the handler that still runs, the plugin's `shutdown_seconds` from the moment the
    daemon is gone or a signal comes. In a process that is not the plugin's own, signals and forks
    are others'.
    """
    with _signals(plugin, driver) if own_process else contextlib.nullcontext() as keep:
        _prepare(plugin, driver)
        try:
            if plugin.is_async:
                return _serve_in_loop(plugin, driver)
            return _serve(plugin, driver, keep)
        finally:
            if not driver.is_disowned:
                _end(plugin, driver)


def _prepare(plugin: Plugin, driver: _core.Driver) -> None:
    driver.prepare(
        max_frame_bytes=plugin.max_frame_bytes,
        max_depth=plugin.max_depth,
        patience=plugin.watchdog_seconds,
        grace=plugin.shutdown_seconds,
        max_in_flight=plugin.max_in_flight,
    )


def _serve_in_loop(plugin: Plugin, driver: _core.Driver) -> int:
    # asyncio costs a plugin some 50 ms at its start.
    from clnwire._runtime.event_loop import serve

    return serve(plugin, driver)


def _serve(plugin: Plugin, driver: _core.Driver, keep: Keep | None) -> int:
    try:
        driver.serve(keep)
    except _core.MalformedError as error:
        return tell_of_malformed(plugin, error)
    return 0


def tell_of_malformed(plugin: Plugin, error: _core.MalformedError) -> int:
    """Says what the daemon sent; gives the exit status."""
    what = f"{'' if error.is_out_of_memory else 'malformed bytes from the daemon: '}{error}"
    plugin.log.error(f"{what}; the plugin ends")
    with contextlib.suppress(OSError):
        (sys.__stderr__ or sys.stderr).write(f"clnwire: {what}\n")
    return 1


def _end(plugin: Plugin, driver: _core.Driver) -> None:
    # In an event loop they have run already.
    for function in () if plugin.is_async else plugin.shutdown_functions:
        try:
            must_not_wait("on_shutdown", function())
        except Exception as error:
            plugin.log.exception(f"on_shutdown: {describe_error(error)}", error)
        forks.end_if_child(driver)
    plugin.hang_up()
    for stream in (sys.stdout, sys.stderr):
        # It may be closed, or broken, or none at all.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    driver.close(STRAY_OUTPUT_SECONDS)


def program_name() -> str:
    """The plugin's file, as the daemon names the plugin."""
    return os.path.basename((sys.argv or [""])[0]) or "plugin"  # noqa: PTH119 - pathlib costs time


@contextlib.contextmanager
def _signals(plugin: Plugin, driver: _core.Driver) -> Generator[Keep | None, None, None]:
    """SIGTERM and SIGINT let the running handler finish and end the plugin; a second one kills.

    Gives what takes the signals back from an event loop that a handler has run. A plugin with
    `db_write` goes on for as long as the daemon may commit.
    """

    kept: set[int] = {signal.SIGTERM, signal.SIGINT}

    def end(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        kept.discard(number)
        has_end_announced = plugin.dialect is not None and plugin.dialect.takes_topic("shutdown")
        if "db_write" not in plugin.hooks or not has_end_announced:
            driver.stop()
            return
        from clnwire._runtime.leaving import leave_last

        leave_last(plugin, driver)

    try:
        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:
        # Only the main thread may: on another one, signals stay the program's affair.
        before = {}
    forks.watch(driver, {number: (end, handler) for number, handler in before.items()})
    if not before:
        yield None
        return
    fd = signal.set_wakeup_fd(driver.wakeup_fd, warn_on_full_buffer=False)
    try:
        yield lambda: _keep(driver, end, kept)
    finally:
        signal.set_wakeup_fd(fd)
        for number, handler in before.items():
            signal.signal(number, handler)


def _keep(driver: _core.Driver, end: Callable[[int, object], None], numbers: set[int]) -> None:
    """Takes back what an event loop has reset that a handler ran."""
    if signal.set_wakeup_fd(driver.wakeup_fd, warn_on_full_buffer=False) == driver.wakeup_fd:
        return
    for number in numbers:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)
