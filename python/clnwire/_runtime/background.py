"""Background functions in threads, and the handling of failed background functions."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from clnwire._runtime.forks import end_if_child
from clnwire._runtime.log import log_failure
from clnwire.errors import describe_error, refuse_unawaited

if TYPE_CHECKING:
    from clnwire._definition.background import Background
    from clnwire._runtime.run import Run


def start_thread(run: Run, background: Background) -> None:
    """Runs a plain background function in a daemon thread."""
    thread = threading.Thread(
        target=_call, args=(run, background), name=f"clnwire-{background.name}", daemon=True
    )
    if background.period is not None:
        run.rounds.append(thread)
    thread.start()


def _call(run: Run, background: Background) -> None:
    try:
        if background.period is None:
            refuse_unawaited("it", background.function())
        else:
            _run_rounds(run, background)
    except BaseException as error:
        end_if_child(run.driver, error)
        failed(run, background, error)
    end_if_child(run.driver)


def _run_rounds(run: Run, background: Background) -> None:
    wait = 0.0
    while not run.stopping.wait(wait):
        due = background.next_round()
        try:
            refuse_unawaited("it", background.function())
        except Exception as error:
            end_if_child(run.driver, error)
            failed_once(run, background, error)
        end_if_child(run.driver)
        wait = due - time.monotonic()


def failed(run: Run, background: Background, error: BaseException) -> None:
    """Logs a background function's failure; ends the plugin with status 1 if it is fatal.

    `SystemExit` and `KeyboardInterrupt` always end the plugin and are not logged.
    """
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        run.driver.fail(error)
        return
    failed_once(run, background, error, "; the plugin ends" if background.fatal else "")
    if background.fatal:
        run.driver.fail(SystemExit(1))


def failed_once(run: Run, background: Background, error: BaseException, end: str = "") -> None:
    """Logs what a background function has raised."""
    reason = f"background {background.name}: {describe_error(error)}{end}"
    log_failure(run.log, reason, error, background.function)
