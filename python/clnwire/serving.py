"""From the first byte to the exit: signals, stray output, shutdown, and the exit status."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from clnwire import _core

if TYPE_CHECKING:
    from collections.abc import Generator

    from clnwire.plugin import Plugin

STRAY_OUTPUT_SECONDS: Final = 0.5
"""How long the exit waits for the last stray output; only a child process can keep it waiting."""


def serve(plugin: Plugin, driver: _core.Driver) -> int:
    """Serves the daemon until it goes away or a signal comes; gives the exit status.

    Whatever ends it, `on_shutdown` runs and all that waits is written. Handlers and `on_shutdown`
    together have `shutdown_seconds` from the signal, or from the end of input.
    """
    with _signals(driver, plugin.shutdown_seconds):
        try:
            return _serve(plugin, driver)
        finally:
            driver.must_end_within(plugin.shutdown_seconds)
            plugin.shut_down()
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:  # pythonw and the like have none
                    stream.flush()
            driver.close(STRAY_OUTPUT_SECONDS)


def _serve(plugin: Plugin, driver: _core.Driver) -> int:
    try:
        driver.serve(
            max_frame_bytes=plugin.max_frame_bytes,
            max_depth=plugin.max_depth,
            patience=plugin.watchdog_seconds,
        )
    except _core.MalformedError as error:
        plugin.log.error(f"the daemon sent malformed bytes: {error}; the plugin ends")
        sys.stderr.write(f"clnwire: the daemon sent malformed bytes: {error}\n")
        return 1
    return 0


@contextmanager
def _signals(driver: _core.Driver, shutdown_seconds: float) -> Generator[None, None, None]:
    """SIGTERM and SIGINT let the running handler finish and end the plugin; a second one kills."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: object) -> None:
        driver.stop()
        driver.must_end_within(shutdown_seconds)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    fd = signal.set_wakeup_fd(driver.wakeup_fd, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(fd)
        for number, handler in before.items():
            signal.signal(number, handler)
