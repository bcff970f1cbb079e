"""How a plugin with `db_write` ends: it is the last to leave.

lightningd goes on committing while it stops, and asks `db_write` each time. If a plugin with that
hook leaves in the middle of it, lightningd aborts; what it commits when the plugin has left, the
plugin does not see. So the plugin goes on serving after `shutdown`. It leaves by itself only when
no other plugin runs that could cause a commit, and nothing has come in for a second. Otherwise
lightningd closes its input 30 s after `shutdown`.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from clnwire._runtime.siblings import mark_as_last, others_run

if TYPE_CHECKING:
    from clnwire import _core
    from clnwire._runtime.run import Run

QUIET_SECONDS: Final = 1.0
"""Leaving after 20 ms without input has made lightningd abort."""
LOOK_SECONDS: Final = 0.1


def leave_last(run: Run) -> None:
    """Ends the plugin when that is safe, while it is served on.

    If `shutdown` has not come yet, a signal has: systemd sends it to all of a service's processes
    at once. The daemon then has `shutdown_seconds` to send `shutdown`; if it does not, only the
    plugin was told to end.
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
        time.sleep(LOOK_SECONDS)
        now = time.monotonic()
        mark = driver.idle_mark
        if mark is None or mark != seen:
            seen, since = mark, now
        if not run.is_shutdown_announced:
            may_leave = now >= given_up
        else:
            may_leave = now - since >= QUIET_SECONDS and not _others_run(driver)
        if may_leave:
            driver.stop()


def _others_run(driver: _core.Driver) -> bool:
    """False in a process that is not the plugin's own: its children need not be plugins."""
    return driver.owns_process and others_run()
