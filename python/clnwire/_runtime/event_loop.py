"""Serving under asyncio, for plugins with an `async def`.

The event loop only waits for descriptors. One call of the Rust driver reads, frames, runs plain
handlers and writes. It passes the messages of async handlers to `spawn`, as coroutines (`Job`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from clnwire._core import PipeError, Turn
from clnwire._definition.functions import is_async
from clnwire._runtime import startup
from clnwire._runtime.background import failed, failed_once
from clnwire._runtime.forks import end_if_child
from clnwire._runtime.log import log_failure
from clnwire.errors import MalformedError, describe_error, refuse_unawaited

if TYPE_CHECKING:
    from clnwire._core import Job
    from clnwire._definition.background import Background
    from clnwire._runtime.run import Run

HANG_UP_CHECK_SECONDS: Final = 1.0
"""While reading is paused, the interval of checks whether the daemon has hung up."""

LONGEST_GRACE: Final = 10.0**8
"""Seconds (three years). Longer durations, `inf` included, are clamped: timers cannot hold them."""


def serve(run: Run) -> int:
    """Serves the daemon until it hangs up, or `shutdown` or a signal comes; returns the status.

    Handlers in flight then have half of `shutdown_seconds` to finish and are cancelled. The rest of
    the time is for their cleanup and the `on_shutdown` functions. Raises `SystemExit` if a handler
    raises it.
    """
    loop = _new_loop()
    asyncio.set_event_loop(loop)
    try:
        return _Serving(run, loop).run()
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class _Serving:
    def __init__(self, run: Run, loop: asyncio.AbstractEventLoop) -> None:
        self._run, self._driver, self._loop = run, run.driver, loop
        self._is_reading = self._is_writing = False
        self._is_file = self._will_read_file = False
        self._ended, self._idle = asyncio.Event(), asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._status = 0

    def run(self) -> int:
        startup.register(self._run, self)
        self._driver.attach(partial(self._loop.call_soon, self._turn), self._run_soon)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._clean_up()
            self._driver.detach()
        return self._status

    async def _serve(self) -> None:
        self._loop.add_reader(self._driver.wakeup_read_fd, self._woken)
        self._read()
        await self._ended.wait()
        await self._finish()
        await self._run_shutdown_functions()

    def _run_soon(self, job: Job) -> object:
        return self._loop.call_soon(job.run)

    # Reading and writing

    def _turn(self, *, readable: bool = False) -> None:
        try:
            turn = self._driver.turn(readable)
        except (MalformedError, PipeError) as error:
            # Each turn until the end meets it again.
            self._status = self._status or self._run.report_end(error)
            turn = Turn.ENDED
        except BaseException as error:
            # `SystemExit` and the like end the plugin: the driver raises them after the shutdown.
            # Raised here, they would pass through the event loop.
            self._driver.fail(error)
            turn = Turn.ENDED
        # A forked child shares the epoll instance with its parent and must not change it.
        end_if_child(self._driver)
        self._follow(turn)

    def _follow(self, turn: Turn) -> None:
        if turn == Turn.OPEN:
            self._read()
        else:
            self._pause()
        if turn == Turn.ENDED:
            self._end()
        self._watch_output()

    def _read(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            try:
                self._loop.add_reader(self._driver.input_fd, partial(self._turn, readable=True))
            except PermissionError:
                # epoll refuses regular files, which are always readable.
                self._is_file = True
                self._read_file_soon()

    def _read_file_soon(self) -> None:
        if not self._will_read_file:
            self._will_read_file = True
            self._loop.call_soon(self._read_file)

    def _read_file(self) -> None:
        """Reads one chunk of the file per iteration of the loop, so that tasks can run."""
        self._will_read_file = False
        if self._is_reading:
            self._turn(readable=True)
            if self._is_reading:
                self._read_file_soon()

    def _pause(self) -> None:
        if self._is_reading:
            self._is_reading = False
            if self._is_file:
                return
            self._loop.remove_reader(self._driver.input_fd)
            self._loop.call_later(HANG_UP_CHECK_SECONDS, self._check_hang_up)

    def _check_hang_up(self) -> None:
        """Checks for a hang-up, which reading would notice if it were not paused."""
        if self._is_reading or self._ended.is_set():
            return
        if self._driver.is_hung_up:
            self._end()
        else:
            self._loop.call_later(HANG_UP_CHECK_SECONDS, self._check_hang_up)

    def _watch_output(self) -> None:
        if self._driver.has_unwritten == self._is_writing:
            return
        self._is_writing = not self._is_writing
        if self._is_writing:
            self._loop.add_writer(self._driver.output_fd, self._turn)
        else:
            self._loop.remove_writer(self._driver.output_fd)

    def _woken(self) -> None:
        """Runs when a signal or another thread has woken the loop."""
        self._driver.drain_wakeup()
        self._turn()

    # Tasks

    def spawn(self, job: Job) -> object:
        """Starts a task that handles a message."""
        return self._loop.create_task(job)

    def start(self, background: Background) -> None:
        """Starts a task for an async background function."""
        task = self._loop.create_task(self._run_background(background))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _run_background(self, background: Background) -> None:
        try:
            if background.period is None:
                await _call(background)
            else:
                await self._run_rounds(background)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            end_if_child(self._driver, error)
            failed(self._run, background, error)
        end_if_child(self._driver)

    async def _run_rounds(self, background: Background) -> None:
        while not self._ended.is_set():
            due = background.next_round()
            try:
                await _call(background)
            except (Exception, asyncio.CancelledError) as error:
                end_if_child(self._driver, error)
                if self._ended.is_set() and isinstance(error, asyncio.CancelledError):
                    raise
                failed_once(self._run, background, error)
            end_if_child(self._driver)
            if not self._ended.is_set():
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    # Shutdown

    def _end(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            self._run.stopping.set()
            self._driver.begin_end()
        if not self._driver.in_flight:
            self._idle.set()

    async def _finish(self) -> None:
        """Waits for handlers in flight, and cancels them after half of `shutdown_seconds`."""
        background = [*self._background]
        for task in background:
            task.cancel()
        rounds = self._run.rounds
        joined = self._loop.run_in_executor(None, self._run.join_rounds) if rounds else None
        grace = min(self._run.settings.shutdown_seconds / 2, LONGEST_GRACE)
        try:
            await asyncio.wait_for(self._idle.wait(), grace)
        except asyncio.TimeoutError:
            await self._cancel_handlers()
        await asyncio.gather(*background, return_exceptions=True)
        if joined is not None:
            await joined

    async def _cancel_handlers(self) -> None:
        self._driver.stop()
        for task in self._driver.tasks():
            if isinstance(task, asyncio.Task):
                task.cancel()
        # No time-out: the watchdog ends the process after `shutdown_seconds`.
        await self._idle.wait()

    async def _run_shutdown_functions(self) -> None:
        for function in self._run.definition.shutdown_functions:
            try:
                result = function()
                if is_async(function) and asyncio.iscoroutine(result):
                    await result
                else:
                    refuse_unawaited("on_shutdown", result)
            except Exception as error:
                reason = f"on_shutdown: {describe_error(error)}"
                log_failure(self._run.log, reason, error, function)
            end_if_child(self._driver)

    def _clean_up(self) -> None:
        """Cancels remaining tasks of the author's, and closes generators and executors."""
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())


async def _call(background: Background) -> None:
    result = background.function()
    if asyncio.iscoroutine(result):
        await result
