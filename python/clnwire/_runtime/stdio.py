"""The process's stdin and stdout: whether they carry the protocol, and reserving them for it."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import Any, Final

from clnwire import _core
from clnwire._definition.current import HANDLED
from clnwire._runtime.stderr import Capture, capture
from clnwire._wire.environment import LIGHTNINGD_PLUGIN, PLUGIN_PID

HOW_TO_DEBUG: Final = (
    "stdin carries the protocol. Debug the plugin in a test with `run_plugin(plugin)` "
    "(docs/testing.md), or over a socket: PYTHONBREAKPOINT=remote_pdb.set_trace"
)
_driver: _core.Driver | None = None
_stderr: Capture | None = None


def belongs_to_daemon() -> bool:
    """Whether lightningd started this process, so that stdin and stdout carry the protocol.

    False in child processes: they inherit `LIGHTNINGD_PLUGIN`, but `PLUGIN_PID` is their parent's.
    """
    if not os.environ.get(LIGHTNINGD_PLUGIN):
        return False
    return os.environ.setdefault(PLUGIN_PID, str(os.getpid())) == str(os.getpid())


def is_run_by_hand() -> bool:
    """Whether a person started this process: stdin is a terminal, or `--help` was given."""
    if os.environ.get(LIGHTNINGD_PLUGIN):
        return False
    if any(argument in ("-h", "--help") for argument in sys.argv[1:]):
        return True
    try:
        return os.isatty(0)
    except OSError:
        return False


def take_over() -> _core.Driver:
    """The driver of the process's stdin and stdout, created on the first call.

    All `Plugin` objects of the process share it. Raises `SystemExit` if stdin or stdout is closed.
    """
    global _driver, _stderr  # noqa: PLW0603
    if _driver is None:
        _refuse_closed()
        _driver = _core.Driver(HANDLED)
        _make_stdout_prompt()
        _stderr = capture(_driver)
        _skip_breakpoints(_driver)
        atexit.register(_end_without_run, _driver, os.getpid())
    return _driver


def _skip_breakpoints(driver: _core.Driver) -> None:
    """Makes `breakpoint()` log how to debug a plugin and return: a debugger would read from stdin.

    Leaves it alone if `PYTHONBREAKPOINT` or another `sys.breakpointhook` is set.
    """
    if sys.breakpointhook is not sys.__breakpointhook__:
        return

    def hook(*args: Any, **keywords: Any) -> Any:
        if os.environ.get("PYTHONBREAKPOINT"):
            return sys.__breakpointhook__(*args, **keywords)
        caller = sys._getframe().f_back  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        place = "" if caller is None else f" at {caller.f_code.co_filename}:{caller.f_lineno}"
        driver.log("warn", f"breakpoint(){place} is skipped: {HOW_TO_DEBUG}")
        return None

    sys.breakpointhook = hook


def _refuse_closed() -> None:
    """Raises `SystemExit` if stdin or stdout was closed when Python started.

    The next file that the process opened would have got the free descriptor, and the driver would
    wait for the daemon on it for ever.
    """
    closed = [name for name in ("stdin", "stdout") if getattr(sys, f"__{name}__") is None]
    if not closed:
        return
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.write(
            f"clnwire: {' and '.join(closed)} closed: a plugin needs both to talk to the daemon\n"
        )
    raise SystemExit(1)


def give_back() -> None:
    """Undoes `take_over` once the driver is closed."""
    global _driver, _stderr  # noqa: PLW0603
    atexit.unregister(_end_without_run)
    if _stderr is not None:
        _stderr.close()
    sys.breakpointhook = sys.__breakpointhook__
    _driver = _stderr = None


def _end_without_run(driver: _core.Driver, pid: int) -> None:
    """Logs the rest of stderr, i.e. the cause, if the program exits before `run()`."""
    if os.getpid() == pid and not driver.is_disowned:
        give_back()
        driver.close(0.5)


def _make_stdout_prompt() -> None:
    """Makes stdout line-buffered and able to print any character.

    Printed lines are logged, which must not wait until 8 kB have gathered; and `print()` must not
    raise in a handler, whatever the locale.
    """
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        # Replacements of stdout (e.g. gevent's) may not support this.
        with contextlib.suppress(OSError, ValueError):
            reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
