"""The state of one run of a plugin."""

from __future__ import annotations

import contextlib
import os
import sys
import time

# `_thread` instead of `threading`, to keep the start of plugins without threads short.
from _thread import TIMEOUT_MAX, allocate_lock, get_ident
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clnwire._definition.current import handled
from clnwire.errors import DeadlockError, OptionError, UsageError

if TYPE_CHECKING:
    import asyncio
    import threading
    from collections.abc import Callable, Generator

    from clnwire._core import Driver, MalformedError, PipeError
    from clnwire._definition.definition import Definition
    from clnwire._definition.options import Option
    from clnwire._runtime.log import Log
    from clnwire._runtime.thread_pool import Pool
    from clnwire._wire.dialect import Dialect
    from clnwire.messages.init import Init


class Stopping:
    """The beginning of a plugin's end: `await plugin.stopping`, or `plugin.stopping.wait(seconds)`
    in a thread. Thread-safe."""

    __slots__ = ("_futures", "_is_set", "_lock", "_thread")

    def __init__(self, thread: int) -> None:
        """`thread`: the id of the thread that serves the daemon."""
        self._is_set, self._thread = False, thread
        # Held until the end begins. Each waiting thread takes and releases it then.
        self._lock = allocate_lock()
        self._lock.acquire()
        self._futures: set[asyncio.Future[None]] = set()

    def __repr__(self) -> str:
        return f"<Stopping {self._is_set}>"

    def is_set(self) -> bool:
        """Whether the end has begun."""
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Blocks the thread until the end begins; returns whether it has begun within `timeout`
        seconds.

        Raises `DeadlockError` on the thread that serves the daemon, where it would never begin:
        use `await plugin.stopping`, or a handler with `thread=True`.
        """
        if self._is_set:
            return True
        if get_ident() == self._thread:
            raise DeadlockError(
                "stopping.wait() blocks the thread that serves the daemon, so the end would never "
                "begin; use `await plugin.stopping` in an `async def`, or a handler with "
                "thread=True"
            )
        limit = -1 if timeout is None else min(max(0, timeout), TIMEOUT_MAX)
        if self._lock.acquire(timeout=limit):
            self._lock.release()
        return self._is_set

    def __await__(self) -> Generator[Any, None, None]:
        from asyncio import get_running_loop

        future: asyncio.Future[None] = get_running_loop().create_future()
        self._futures.add(future)
        try:
            # Read after the future is stored, and set before the futures are read.
            if not self._is_set:
                yield from future
        finally:
            self._futures.discard(future)

    def set(self) -> None:
        """Wakes all that wait. The serving thread calls it."""
        if self._is_set:
            return
        self._is_set = True
        self._lock.release()
        for future in tuple(self._futures):
            # The loop of another thread may be closed.
            with contextlib.suppress(RuntimeError):
                future.get_loop().call_soon_threadsafe(_set_done, future)


def _set_done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Run:
    """The state of one run: the driver, what the daemon has sent, and the resources in use."""

    def __init__(
        self,
        definition: Definition,
        driver: Driver,
        log: Log,
        *,
        version: str | None,
        hang_up: Callable[[], None],
    ) -> None:
        """`version`: the daemon's release, if known. `hang_up`: closes the client's connections."""
        self.definition, self.driver, self.log = definition, driver, log
        self.settings = definition.settings
        self.version, self.hang_up = version, hang_up
        self.is_async = definition.is_async
        self.thread = get_ident()
        """The id of the thread that serves the daemon."""
        self.is_over = False
        self.stopping = Stopping(self.thread)
        self.rounds: list[threading.Thread] = []
        """The threads of the plain functions that `every` has registered."""
        self.disabled = definition.disabled
        """The reason why the plugin is disabled; `None` if it is not."""
        self.dialect: Dialect | None = None
        """`None` before `getmanifest`."""
        self.allow_deprecated_apis: bool | None = None
        self.init: Init | None = None
        self.socket = ""
        """The path of the daemon's RPC socket; empty before `init`."""
        self.is_initialised = self.is_shutdown_announced = False
        self.values: dict[str, Any] = {}
        """Option → its value, or the `OptionError` that reading it raises. Empty before `init`."""

    @cached_property
    def pool(self) -> Pool:
        """The threads for handlers with `thread=True`; created on first use."""
        from clnwire._runtime.thread_pool import Pool

        return Pool(self.settings.max_threads)

    @property
    def pool_if_used(self) -> Pool | None:
        """`pool`, or `None` if it has not been used."""
        pool: Pool | None = self.__dict__.get("pool")
        return pool

    def disable(self, reason: str) -> None:
        """Disables the plugin. Raises `UsageError` once `init` is answered."""
        if self.is_initialised:
            raise UsageError("disable() must be called before init is answered")
        self.disabled = reason

    def take_init(self, init: Init) -> None:
        """Stores the options' values, the configuration and the socket's path from `init`."""
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
            self.log.error(f"{error}; reading this option raises OptionError")

    def change_option(self, option: Option[Any], raw: bytes | None) -> None:
        """Sets an option's value from `setconfig`; `raw` is JSON text.

        Calls `on_change` first, which may raise to refuse the value. Raises `OptionError`.
        """
        value = option.read_change(raw)
        if option.on_change is not None:
            option.on_change(value)
        self.values[option.name] = value

    def is_at_work(self) -> bool:
        """Whether the calling thread serves this run or handles one of its messages."""
        return not self.is_over and (get_ident() == self.thread or handled(self.driver) is not None)

    def report_end(self, error: MalformedError | PipeError) -> int:
        """Logs why the plugin ends, also to stderr; returns the exit status."""
        what = str(error.args[1]) if isinstance(error, OSError) else str(error)
        if isinstance(error, ValueError) and not error.is_out_of_memory:
            what = f"malformed bytes from the daemon: {what}"
        self.log.error(f"{what}; the plugin ends")
        with contextlib.suppress(OSError):
            (sys.__stderr__ or sys.stderr).write(f"clnwire: {what}\n")
        return 1

    def join_rounds(self) -> None:
        """Waits for the rounds of plain functions to end, for half of `shutdown_seconds`."""
        until = time.monotonic() + self.settings.shutdown_seconds / 2
        for thread in self.rounds:
            thread.join(min(max(0.0, until - time.monotonic()), TIMEOUT_MAX))

    def end(self) -> None:
        """Marks the run as over and ends the idle threads."""
        self.is_over = True
        self.stopping.set()
        if self.pool_if_used is not None:
            self.pool.close()
