"""What becomes of a child process that is forked off a plugin.

The daemon is the parent's to talk to, so the child says nothing to it: it takes none of the core's
locks, which another thread may have held at the fork, and it ends with the handler that forked it.
Its signals are its own: they do what they did before the plugin served.
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
"""Signal → the handler that the plugin set, and the one that was there before."""
_held: dict[int, set[int]] = {}
"""Thread → the signals that it blocked before it began to fork."""


def watch(driver: Driver, signals: Mapping[int, tuple[Any, Any]]) -> None:
    """Disowns the children that are forked while this driver serves."""
    global _driver, _signals
    if _driver is None:
        os.register_at_fork(
            before=_hold_signals, after_in_parent=_release_signals, after_in_child=_become_child
        )
    _driver, _signals = driver, signals


def _hold_signals() -> None:
    """Until it has handlers of its own, a child would handle signals as the plugin does."""
    _held[get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, _signals)


def _release_signals() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _held.pop(get_ident()))


def _become_child() -> None:
    assert _driver is not None
    _driver.disown()
    HANDLED.set(None)
    # After a fork the thread that forked counts as the main one, which may set signals.
    signal.set_wakeup_fd(-1)
    for number, (ours, before) in _signals.items():
        if signal.getsignal(number) == ours and before is not None:
            signal.signal(number, before)
    # The core borrows SIGURG to end its reads; Python knows only of handlers that it has set.
    if signal.getsignal(signal.SIGURG) == signal.SIG_DFL:
        signal.signal(signal.SIGURG, signal.SIG_DFL)
    try:
        _release_signals()
    except KeyboardInterrupt:
        # Python would only report what is raised here, and the child would go on.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)


def end_if_child(driver: Driver, error: BaseException | None = None) -> None:
    """Ends the process if it is a child that was forked while this driver served."""
    if driver.is_disowned:
        end_child(error)


def end_child(error: BaseException | None) -> NoReturn:
    """Ends a forked child whose function has returned or raised.

    The exit status is that of a program: 0, what `SystemExit` says, or 1 after a traceback. As
    `os._exit` does, it leaves out `atexit` and `finally` blocks: they are the parent's.
    """
    status = 1
    # The child ends even if its message cannot be written.
    with contextlib.suppress(BaseException):
        status = _status(error)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(status)


def _status(error: BaseException | None) -> int:
    """What a program would exit with; says what a program would say."""
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
    """Whether `multiprocessing` imports the plugin's file in a child, to find functions in it.

    Spawned children and the fork server do so, by default on Linux since Python 3.14.
    """
    process = sys.modules.get("multiprocessing.process")
    if process is None:
        return False
    return bool(getattr(process.current_process(), "_inheriting", False))
