"""Serves a `Plugin` object in a thread, over real pipes, in place of a child process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from clnwire.host.errors import HostError

if TYPE_CHECKING:
    from clnwire.plugin import Plugin

LAST_SECONDS: Final = 2.0
"""Seconds to wait for a plugin's former thread before the plugin is served again."""

_threads: WeakKeyDictionary[Plugin, threading.Thread] = WeakKeyDictionary()
"""The thread that last served each plugin."""


class ThreadedPlugin:
    """Implements `process.Child`, the part of `subprocess.Popen` that the host uses."""

    def __init__(self, plugin: Plugin, name: str, version: str | None) -> None:
        """`version` is the daemon's version, which a process gets as `LIGHTNINGD_VERSION`."""
        self.pid = os.getpid()
        self._version = version
        self._plugin, self._code = plugin, 0
        self._ended = threading.Event()
        _wait_for_former(plugin, name)
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self.stdin, self.stdout = os.fdopen(ours_out, "wb", 0), os.fdopen(ours_in, "rb", 0)
        thread = threading.Thread(
            target=self._serve, args=(theirs_in, theirs_out), name=f"clnwire-{name}", daemon=True
        )
        _threads[plugin] = thread
        thread.start()

    def wait(self) -> int:
        """Waits for the end and returns the exit status that a process would have."""
        self._ended.wait()
        return self._code

    def kill(self) -> None:
        """Reports the plugin as killed. A thread cannot be killed; it ends at the closed pipes."""
        self._end(-signal.SIGKILL)

    def _serve(self, stdin: int, stdout: int) -> None:
        try:
            code = self._run(stdin, stdout)
        finally:
            os.close(stdin)
            os.close(stdout)
        self._end(code)

    def _run(self, stdin: int, stdout: int) -> int:
        try:
            return self._plugin.run_on(stdin, stdout, version=self._version)
        except SystemExit as error:
            return _status(error.code)
        except BaseException:
            traceback.print_exc()
            return 1

    def _end(self, code: int) -> None:
        if not self._ended.is_set():
            self._code = code
            self._ended.set()


def name_of(plugin: Plugin) -> str:
    """A file name for the plugin, from the module of its first handler."""
    functions = [
        *(method.function for method in plugin.methods.values()),
        *(hook.function for hook in plugin.hooks.values()),
        *(subscription.function for subscription in plugin.subscriptions),
    ]
    module = next((function.__module__ for function in functions), None) or "plugin"
    return f"{module.rpartition('.')[2]}.py"


def _wait_for_former(plugin: Plugin, name: str) -> None:
    former = _threads.get(plugin)
    if former is None:
        return
    former.join(LAST_SECONDS)
    if former.is_alive():
        raise HostError(
            f"plugin '{name}' still runs in this process: in another host, or in a handler that "
            "does not return"
        )


def _status(code: object) -> int:
    """The exit status of a process that calls `sys.exit(code)`; prints a message as that does."""
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1
