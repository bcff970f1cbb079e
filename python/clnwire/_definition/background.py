"""What a plugin does besides answering, from `init` to its end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from clnwire._definition.functions import is_async, must_not_wait
from clnwire._runtime.forks import end_if_child
from clnwire.errors import UsageError, describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._core import Driver
    from clnwire.plugin import Plugin


class Background:
    """A background function as it was registered."""

    def __init__(self, function: Callable[[], object], *, fatal: bool) -> None:
        if not callable(function):
            raise UsageError("@plugin.background(fatal=...) takes nothing by position")
        self.function, self.fatal = function, fatal
        self.name = getattr(function, "__name__", repr(function))
        self.is_async = is_async(function)

    def start_thread(self, plugin: Plugin, driver: Driver) -> None:
        """Runs a plain function in a thread, which does not keep the process."""
        threading.Thread(
            target=self._run, args=(plugin, driver), name=f"clnwire-{self.name}", daemon=True
        ).start()

    def _run(self, plugin: Plugin, driver: Driver) -> None:
        try:
            must_not_wait("it", self.function())
        except BaseException as error:
            end_if_child(driver, error)
            self.failed(plugin, driver, error)
        end_if_child(driver)

    def failed(self, plugin: Plugin, driver: Driver, error: BaseException) -> None:
        """Logs the failure, and ends the plugin with status 1 if it is fatal."""
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            driver.fail(error)
            return
        end = "; the plugin ends" if self.fatal else ""
        plugin.log.exception(f"background {self.name}: {describe_error(error)}{end}", error)
        if self.fatal:
            driver.fail(SystemExit(1))
