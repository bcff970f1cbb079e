"""Background functions in threads, and the end of one that fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from clnwire._runtime.forks import end_if_child
from clnwire.errors import describe_error, must_not_wait

if TYPE_CHECKING:
    from clnwire._definition.background import Background
    from clnwire._runtime.run import Run


def start_thread(run: Run, background: Background) -> None:
    """Runs a plain function in a thread, which does not keep the process alive."""
    threading.Thread(
        target=_call, args=(run, background), name=f"clnwire-{background.name}", daemon=True
    ).start()


def _call(run: Run, background: Background) -> None:
    try:
        must_not_wait("it", background.function())
    except BaseException as error:
        end_if_child(run.driver, error)
        failed(run, background, error)
    end_if_child(run.driver)


def failed(run: Run, background: Background, error: BaseException) -> None:
    """Logs the failure, and ends the plugin with status 1 if the failure is fatal."""
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        run.driver.fail(error)
        return
    end = "; the plugin ends" if background.fatal else ""
    run.log.exception(f"background {background.name}: {describe_error(error)}{end}", error)
    if background.fatal:
        run.driver.fail(SystemExit(1))
