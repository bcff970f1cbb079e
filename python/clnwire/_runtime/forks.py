"""Child processes forked from a plugin.

Only the parent talks to the daemon. The child sends nothing, takes none of the core's locks
(another thread may have held them at the fork), and exits when the handler that forked it returns.
Its signal handlers are those from before the plugin served.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from _thread import get_ident
from typing import TYPE_CHECKING, Any, NoReturn

from clnwire._definition.current import HANDLED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clnwire._core import Driver

_driver: Driver | None = None
_signals: Mapping[int, tuple[Any, Any]] = {}
"""Signal → the handler that clnwire set, and the handler before it."""
_held: dict[int, set[int]] = {}
"""Thread → its signal mask before the fork."""


def watch(driver: Driver, signals: Mapping[int, tuple[Any, Any]]) -> None:
    """Makes children that are forked from now on independent of this driver."""
    global _driver, _signals
    if _driver is None:
        os.register_at_fork(
            before=_hold_signals, after_in_parent=_release_signals, after_in_child=_become_child
        )
    _driver, _signals = driver, signals


def _hold_signals() -> None:
    """Blocks signals during the fork: the child starts with the plugin's signal handlers."""
    _held[get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, _signals)


def _release_signals() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _held.pop(get_ident()))


def _become_child() -> None:
    assert _driver is not None
    _driver.disown()
    HANDLED.set(None)
    # Python takes the thread that forked for the child's main thread, so it may set handlers.
    signal.set_wakeup_fd(-1)
    for number, (ours, before) in _signals.items():
        if signal.getsignal(number) == ours and before is not None:
            signal.signal(number, before)
    # The core sets its SIGURG handler without Python, which therefore reports SIG_DFL. Reset it.
    if signal.getsignal(signal.SIGURG) == signal.SIG_DFL:
        signal.signal(signal.SIGURG, signal.SIG_DFL)
    try:
        _release_signals()
    except KeyboardInterrupt:
        # SIGINT came during the fork. Python only prints exceptions of fork hooks and goes on, so
        # let the signal's default action kill the child.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)


def end_if_child(driver: Driver, error: BaseException | None = None) -> None:
    """Ends the process if it is a child that was forked while this driver served."""
    if driver.is_disowned:
        end_child(error)


def end_child(error: BaseException | None) -> NoReturn:
    """Ends a forked child whose function has returned or raised.

    The exit status is that of a program: 0, the code of `SystemExit`, or 1 after a traceback. Skips
    `atexit` functions and `finally` blocks (`os._exit`), since they belong to the parent.
    """
    status = 1
    # Exit even if the traceback cannot be written.
    with contextlib.suppress(BaseException):
        status = _status(error)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(status)


def _status(error: BaseException | None) -> int:
    """The exit status for the outcome; prints the traceback or message that Python would print."""
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        import traceback

        traceback.print_exception(error)
        return 1
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    sys.stderr.write(f"{error.code}\n")
    return 1


def imports_main_again() -> bool:
    """Whether `multiprocessing` is importing the plugin's file in a child process.

    The start methods `spawn` and `forkserver` (the default on Linux since Python 3.14) do so.
    """
    process = sys.modules.get("multiprocessing.process")
    if process is None:
        return False
    return bool(getattr(process.current_process(), "_inheriting", False))
