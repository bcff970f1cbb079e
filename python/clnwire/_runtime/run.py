"""One run of a plugin: what the daemon has told, and what serves it."""

from __future__ import annotations

import contextlib
import os
import sys

# Not `threading`, which no plugin needs before it starts a thread.
from _thread import get_ident
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clnwire._definition.current import handled
from clnwire.errors import OptionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._core import Driver, MalformedError
    from clnwire._definition.definition import Definition
    from clnwire._definition.options import Option
    from clnwire._runtime.log import Log
    from clnwire._runtime.thread_pool import Pool
    from clnwire._wire.dialect import Dialect
    from clnwire.messages.init import Init


class Run:
    """A plugin's run, from its first byte to its last."""

    def __init__(
        self,
        definition: Definition,
        driver: Driver,
        log: Log,
        *,
        version: str | None,
        hang_up: Callable[[], None],
    ) -> None:
        """`version`: the daemon's release, if known. `hang_up`: ends the calls' connections."""
        self.definition, self.driver, self.log = definition, driver, log
        self.settings = definition.settings
        self.version, self.hang_up = version, hang_up
        self.is_async = definition.is_async
        self.thread = get_ident()
        """The one that serves the daemon."""
        self.is_over = False
        self.disabled = definition.disabled
        """Why the plugin does not want to run."""
        self.dialect: Dialect | None = None
        """Known from `getmanifest` on."""
        self.allow_deprecated_apis: bool | None = None
        self.init: Init | None = None
        self.socket = ""
        """Where the daemon takes calls, from `init` on."""
        self.is_initialised = self.is_shutdown_announced = False
        self.values: dict[str, Any] = {}
        """Option → its value from `init` on, or the `OptionError` that reading it raises."""

    @cached_property
    def pool(self) -> Pool:
        """The threads of handlers with `thread=True`."""
        from clnwire._runtime.thread_pool import Pool

        return Pool(self.settings.max_threads)

    @property
    def pool_if_used(self) -> Pool | None:
        """The same, unless nothing needed a thread so far."""
        pool: Pool | None = self.__dict__.get("pool")
        return pool

    def disable(self, reason: str) -> None:
        """Raises `UsageError` when the daemon has been told that the plugin runs."""
        if self.is_initialised:
            raise UsageError("disable() comes too late after init")
        self.disabled = reason

    def take_init(self, init: Init) -> None:
        """What `init` tells holds from now on."""
        for option in self.definition.options.values():
            self._take_option(option, init.options.get(option.name))
        self.init = init
        place = init.configuration
        self.socket = os.path.join(place.lightning_dir, place.rpc_file)  # noqa: PTH118

    def _take_option(self, option: Option[Any], raw: bytes | None) -> None:
        if raw == b'""' and self.dialect is not None and self.dialect.blanks_options:
            raw = None
        try:
            self.values[option.name] = option.read(raw)
        except OptionError as error:
            self.values[option.name] = error
            self.log.error(f"{error}; reading it will raise, everything else works")

    def change_option(self, option: Option[Any], raw: bytes | None) -> None:
        """Takes a new value. `on_change` sees it first, and may refuse it by raising."""
        value = option.read_change(raw)
        if option.on_change is not None:
            option.on_change(value)
        self.values[option.name] = value

    def is_at_work(self) -> bool:
        """Whether the calling thread is one of this run's, in a process that others use too."""
        return not self.is_over and (get_ident() == self.thread or handled(self.driver) is not None)

    def tell_of_malformed(self, error: MalformedError) -> int:
        """Says what the daemon sent; gives the exit status."""
        what = f"{'' if error.is_out_of_memory else 'malformed bytes from the daemon: '}{error}"
        self.log.error(f"{what}; the plugin ends")
        with contextlib.suppress(OSError):
            (sys.__stderr__ or sys.stderr).write(f"clnwire: {what}\n")
        return 1

    def end(self) -> None:
        """Leaves no thread behind that waits for work."""
        self.is_over = True
        if self.pool_if_used is not None:
            self.pool.close()


def program_name() -> str:
    """The plugin's file, as the daemon names the plugin."""
    return os.path.basename((sys.argv or [""])[0]) or "plugin"  # noqa: PTH119 - pathlib costs time
