"""Serving the daemon: signals, captured output, shutdown, and the exit status."""

from __future__ import annotations

import contextlib
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from clnwire import _core
from clnwire._runtime import forks, startup
from clnwire._runtime.log import bridge_logging, end_bridge, log_failure
from clnwire.errors import describe_error, refuse_unawaited

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeAlias

    from clnwire._runtime.run import Run

    RestoreSignals: TypeAlias = Callable[[], None]

STRAY_OUTPUT_SECONDS: Final = 0.5
"""The longest time for which the exit waits for output on stdout that is not the protocol's. Only a
child process that keeps stdout open makes it wait."""


def serve(run: Run, *, own_process: bool = True) -> int:
    """Serves the daemon until it hangs up, or `shutdown` or a signal comes; returns the status.

    At the end the `on_shutdown` functions run and queued output is written, whatever the cause of
    the end. Running handlers and `on_shutdown` together have `shutdown_seconds`. With
    `own_process=False`, signal handlers and fork hooks are not set.
    """
    if run.is_async:
        # Before the bridge: asyncio imports `logging` and reports its errors through it.
        import_module("clnwire._runtime.event_loop")
    bridge = bridge_logging(run.log, None if own_process else run.is_at_work)
    try:
        return _serve(run, own_process=own_process)
    finally:
        if bridge is not None:
            end_bridge(bridge)
        run.log.connect(None)
        run.end()


def _serve(run: Run, *, own_process: bool) -> int:
    with _signals(run) if own_process else contextlib.nullcontext() as restore_signals:
        settings = run.settings
        run.driver.prepare(
            max_frame_bytes=settings.max_frame_bytes,
            max_depth=settings.max_depth,
            patience=settings.watchdog_seconds,
            grace=settings.shutdown_seconds,
            max_in_flight=settings.max_in_flight,
        )
        try:
            if not run.is_async:
                return _serve_blocking(run, restore_signals)
            # Imported here because importing asyncio takes about 50 ms.
            from clnwire._runtime.event_loop import serve

            return serve(run)
        finally:
            if not run.driver.is_disowned:
                _end(run)


def _serve_blocking(run: Run, restore_signals: RestoreSignals | None) -> int:
    startup.register(run)
    try:
        run.driver.serve(run.stopping.set, restore_signals)
    except (_core.MalformedError, _core.PipeError) as error:
        return run.report_end(error)
    return 0


def _end(run: Run) -> None:
    driver = run.driver
    # Under an event loop, `event_loop` has done both already.
    if not run.is_async:
        run.join_rounds()
    for function in () if run.is_async else run.definition.shutdown_functions:
        try:
            refuse_unawaited("on_shutdown", function())
        except Exception as error:
            log_failure(run.log, f"on_shutdown: {describe_error(error)}", error, function)
        forks.end_if_child(driver)
    run.hang_up()
    for stream in (sys.stdout, sys.stderr):
        # The stream may be closed, broken, or `None`.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    driver.close(STRAY_OUTPUT_SECONDS)


@contextlib.contextmanager
def _signals(run: Run) -> Generator[RestoreSignals | None, None, None]:
    """Handles SIGTERM and SIGINT: the first ends the plugin gracefully, the second kills it.

    A plugin with `db_write` continues for as long as the daemon may commit. Yields a function that
    sets the handlers again after a plain handler has run an event loop (`asyncio.run` resets them);
    `None` if no handlers were set.
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
        # Only the main thread may set handlers. On another one, leave signals to the program.
        before = {}
    forks.watch(driver, {number: (end, handler) for number, handler in before.items()})
    if not before:
        yield None
        return
    fd = signal.set_wakeup_fd(driver.wakeup_write_fd, warn_on_full_buffer=False)
    try:
        yield lambda: _restore_signals(driver, end, kept)
    finally:
        signal.set_wakeup_fd(fd)
        for number, handler in before.items():
            signal.signal(number, handler)


def _restore_signals(
    driver: _core.Driver, end: Callable[[int, object], None], numbers: set[int]
) -> None:
    """Sets the wakeup descriptor and the signal handlers again, if an event loop has reset them."""
    if (
        signal.set_wakeup_fd(driver.wakeup_write_fd, warn_on_full_buffer=False)
        == driver.wakeup_write_fd
    ):
        return
    for number in numbers:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)
