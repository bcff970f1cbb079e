"""The shutdown of a plugin with `db_write`: it exits last.

lightningd continues to commit while it shuts down, and calls `db_write` for each commit. If the
plugin exits during such a call, lightningd aborts; commits after its exit are missing in the
backup. So the plugin keeps serving after `shutdown`. It exits once no other plugin runs that could
cause a commit and no input has come for a second. Otherwise lightningd closes its input 30 s after
`shutdown`.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from clnwire._runtime.siblings import mark_as_last, others_run

if TYPE_CHECKING:
    from clnwire._runtime.run import Run

QUIET_SECONDS: Final = 1.0
"""The time without input before the plugin exits. With 20 ms, lightningd has aborted."""
POLL_SECONDS: Final = 0.1


def leave_last(run: Run) -> None:
    """Starts a thread that stops the plugin once that is safe; the plugin is served meanwhile.

    Called at `shutdown` and at SIGTERM or SIGINT. systemd sends SIGTERM to all processes of a
    service at once, so after a signal the daemon has `shutdown_seconds` to send `shutdown`. If it
    does not, the signal was for the plugin alone, and the plugin stops.
    """
    name = "clnwire-leave-last"
    threading.Thread(target=_wait, args=(run,), name=name, daemon=True).start()


def _wait(run: Run) -> None:
    driver = run.driver
    if driver.owns_process:
        mark_as_last()
    seen, since = driver.idle_mark, time.monotonic()
    given_up = since + run.settings.shutdown_seconds
    while not driver.is_stopping and not driver.is_hung_up:
        time.sleep(POLL_SECONDS)
        now = time.monotonic()
        mark = driver.idle_mark
        if mark is None or mark != seen:
            seen, since = mark, now
        if not run.is_shutdown_announced:
            may_leave = now >= given_up
        else:
            may_leave = now - since >= QUIET_SECONDS and (
                # Under `run_on` siblings need not be plugins.
                not driver.owns_process or not others_run()
            )
        if may_leave:
            driver.stop()
