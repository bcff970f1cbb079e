"""The process's stdin and stdout, and whom they belong to."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys

from clnwire import _core
from clnwire._definition.current import HANDLED
from clnwire._runtime.debugging import pass_over_breakpoints
from clnwire._runtime.stderr import Capture, capture
from clnwire._wire.environment import LIGHTNINGD_PLUGIN, PLUGIN_PID

_driver: _core.Driver | None = None
_stderr: Capture | None = None


def belongs_to_daemon() -> bool:
    """Whether lightningd started this process: then nothing printed must reach its stdout.

    Child processes inherit the environment, but their stdin and stdout are not the daemon's; the
    variable `PLUGIN_PID` tells them so.
    """
    if not os.environ.get(LIGHTNINGD_PLUGIN):
        return False
    return os.environ.setdefault(PLUGIN_PID, str(os.getpid())) == str(os.getpid())


def is_run_by_hand() -> bool:
    """Whether a person waits, not a daemon: a terminal at stdin, or a question for help."""
    if os.environ.get(LIGHTNINGD_PLUGIN):
        return False
    if any(argument in ("-h", "--help") for argument in sys.argv[1:]):
        return True
    try:
        return os.isatty(0)
    except OSError:
        return False


def take_over() -> _core.Driver:
    """The driver that has the process's stdin and stdout, made when it is first asked for.

    There is one, whichever of the process's `Plugin` objects then runs. Raises `SystemExit` if
    there is no stdin or stdout.
    """
    global _driver, _stderr  # noqa: PLW0603
    if _driver is None:
        _refuse_closed()
        _driver = _core.Driver(HANDLED)
        _make_stdout_prompt()
        _stderr = capture(_driver)
        pass_over_breakpoints(_driver)
        atexit.register(_end_without_run, _driver, os.getpid())
    return _driver


def _refuse_closed() -> None:
    """What the process opens first takes the number of a descriptor that is closed: a pipe of our
    own would pass for the daemon's, and wait for ever. Python knows what was there at its start."""
    closed = [name for name in ("stdin", "stdout") if getattr(sys, f"__{name}__") is None]
    if not closed:
        return
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.write(
            f"clnwire: {' and '.join(closed)} closed: a plugin needs both, to talk to the daemon\n"
        )
    raise SystemExit(1)


def give_back() -> None:
    """Forgets the driver, which has been closed."""
    global _driver, _stderr  # noqa: PLW0603
    atexit.unregister(_end_without_run)
    if _stderr is not None:
        _stderr.close()
    sys.breakpointhook = sys.__breakpointhook__
    _driver = _stderr = None


def _end_without_run(driver: _core.Driver, pid: int) -> None:
    """Logs what the program said last if it ends before `run()`: that is why it ended."""
    if os.getpid() == pid and not driver.is_disowned:
        give_back()
        driver.close(0.5)


def _make_stdout_prompt() -> None:
    """Stray output should be logged when it is printed, not when 8 kB of it have gathered.

    No character may make `print()` fail in a handler, whatever the locale.
    """
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        # What others have put in its place (gevent, say) need not be able to.
        with contextlib.suppress(OSError, ValueError):
            reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
