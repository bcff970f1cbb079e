"""From the first byte to the exit: signals, stray output, shutdown, and the exit status."""

from __future__ import annotations

import contextlib
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from clnwire import _core
from clnwire._runtime import forks, startup
from clnwire._runtime.log import bridge_logging
from clnwire.errors import describe_error, must_not_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeAlias

    from clnwire._runtime.run import Run

    Keep: TypeAlias = Callable[[], None]

STRAY_OUTPUT_SECONDS: Final = 0.5
"""How long the exit waits for the last stray output; only a child process can keep it waiting."""


def serve(run: Run, *, own_process: bool = True) -> int:
    """Serves the daemon until it goes away or a signal comes; gives the exit status.

    Whatever ends it, the `on_shutdown` functions run and all that waits is written. They have,
    together with the handler that still runs, the plugin's `shutdown_seconds` from the moment the
    daemon is gone or a signal comes. In a process that is not the plugin's own, signals and forks
    are others'.
    """
    if run.is_async:
        # Before the bridge: asyncio imports `logging`, and logs what it has to complain of.
        import_module("clnwire._runtime.event_loop")
    bridge = bridge_logging(run.log, None if own_process else run.is_at_work)
    try:
        return _serve(run, own_process=own_process)
    finally:
        if bridge is not None:
            sys.modules["logging"].getLogger().removeHandler(bridge)
        run.log.connect(None)
        run.end()


def _serve(run: Run, *, own_process: bool) -> int:
    with _signals(run) if own_process else contextlib.nullcontext() as keep:
        _prepare(run)
        try:
            return _serve_in_loop(run) if run.is_async else _serve_blocking(run, keep)
        finally:
            if not run.driver.is_disowned:
                _end(run)


def _prepare(run: Run) -> None:
    settings = run.settings
    run.driver.prepare(
        max_frame_bytes=settings.max_frame_bytes,
        max_depth=settings.max_depth,
        patience=settings.watchdog_seconds,
        grace=settings.shutdown_seconds,
        max_in_flight=settings.max_in_flight,
    )


def _serve_in_loop(run: Run) -> int:
    # asyncio costs a plugin some 50 ms at its start.
    from clnwire._runtime.event_loop import serve

    return serve(run)


def _serve_blocking(run: Run, keep: Keep | None) -> int:
    startup.register(run)
    try:
        run.driver.serve(keep)
    except _core.MalformedError as error:
        return run.tell_of_malformed(error)
    return 0


def _end(run: Run) -> None:
    driver = run.driver
    # In an event loop they have run already.
    for function in () if run.is_async else run.definition.shutdown_functions:
        try:
            must_not_wait("on_shutdown", function())
        except Exception as error:
            run.log.exception(f"on_shutdown: {describe_error(error)}", error)
        forks.end_if_child(driver)
    run.hang_up()
    for stream in (sys.stdout, sys.stderr):
        # It may be closed, or broken, or none at all.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    driver.close(STRAY_OUTPUT_SECONDS)


@contextlib.contextmanager
def _signals(run: Run) -> Generator[Keep | None, None, None]:
    """SIGTERM and SIGINT let the running handler finish and end the plugin; a second one kills.

    Gives what takes the signals back from an event loop that a handler has run. A plugin with
    `db_write` goes on for as long as the daemon may commit.
    """

    driver = run.driver
    kept: set[int] = {signal.SIGTERM, signal.SIGINT}

    def end(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        kept.discard(number)
        has_end_announced = run.dialect is not None and run.dialect.takes_topic("shutdown")
        if "db_write" not in run.definition.hooks or not has_end_announced:
            driver.stop()
            return
        from clnwire._runtime.leaving import leave_last

        leave_last(run)

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
