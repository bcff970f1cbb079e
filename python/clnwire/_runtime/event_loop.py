"""The asyncio driver, for plugins with an `async def` handler.

The event loop only waits for descriptors. Reading, framing, plain handlers and writing are one
call of the Rust driver, which hands over the messages of async handlers as coroutines.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final

from clnwire._definition.functions import is_async
from clnwire._runtime import startup
from clnwire._runtime.background import failed
from clnwire._runtime.forks import end_if_child
from clnwire.errors import MalformedError, describe_error, must_not_wait

if TYPE_CHECKING:
    from clnwire._core import Job
    from clnwire._definition.background import Background
    from clnwire._runtime.run import Run

LOOK_SECONDS: Final = 1.0
"""How often a pause in reading looks whether the daemon is still there."""

LONGEST_GRACE: Final = 10.0**8
"""Three years: what timers take that are told never to end."""


def serve(run: Run) -> int:
    """Serves the daemon until it goes away or a signal comes; gives the exit status.

    Handlers in flight have half of the plugin's `shutdown_seconds` to finish; then they are
    cancelled, and share the rest with the `on_shutdown` functions. Raises `SystemExit` if a handler
    does.
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
            self._tidy_up()
            self._driver.detach()
        return self._status

    async def _serve(self) -> None:
        self._loop.add_reader(self._driver.woken_fd, self._woken)
        self._read()
        await self._ended.wait()
        await self._finish()
        await self._say_goodbye()

    def _run_soon(self, job: Job) -> object:
        return self._loop.call_soon(job.run)

    # Turns

    def _turn(self, *, readable: bool = False) -> None:
        try:
            progress = self._driver.turn(readable)
        except MalformedError as error:
            self._status = self._run.tell_of_malformed(error)
            progress = "ended"
        except BaseException as error:
            # A handler may end the process; nobody else is to see that go through the loop.
            self._driver.fail(error)
            progress = "ended"
        # A forked child shares the selector with the plugin, and must not change it.
        end_if_child(self._driver)
        self._follow(progress)

    def _follow(self, progress: str) -> None:
        if progress == "open":
            self._read()
        else:
            self._pause()
        if progress == "ended":
            self._end()
        self._watch_output()

    def _read(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            try:
                self._loop.add_reader(self._driver.input_fd, partial(self._turn, readable=True))
            except PermissionError:
                # epoll refuses files, which can always be read.
                self._is_file = True
                self._read_file_soon()

    def _read_file_soon(self) -> None:
        if not self._will_read_file:
            self._will_read_file = True
            self._loop.call_soon(self._read_file)

    def _read_file(self) -> None:
        """Reads some of the file in each round of the loop, so that tasks go on meanwhile."""
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
            self._loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """Nobody would notice that the daemon is gone while nothing is read."""
        if self._is_reading or self._ended.is_set():
            return
        if self._driver.is_hung_up:
            self._end()
        else:
            self._loop.call_later(LOOK_SECONDS, self._look)

    def _watch_output(self) -> None:
        if self._driver.has_unwritten == self._is_writing:
            return
        self._is_writing = not self._is_writing
        if self._is_writing:
            self._loop.add_writer(self._driver.output_fd, self._turn)
        else:
            self._loop.remove_writer(self._driver.output_fd)

    def _woken(self) -> None:
        """A signal came, or something happened in another thread."""
        self._driver.woken()
        self._turn()

    # Tasks

    def spawn(self, job: Job) -> object:
        """Has an async handler take a message."""
        return self._loop.create_task(job)

    def start(self, background: Background) -> None:
        """Runs an async background function until the end."""
        task = self._loop.create_task(self._run_background(background))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _run_background(self, background: Background) -> None:
        try:
            result = background.function()
            if asyncio.iscoroutine(result):
                await result
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            end_if_child(self._driver, error)
            failed(self._run, background, error)
        end_if_child(self._driver)

    # The end

    def _end(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            self._driver.begin_end()
        if not self._driver.in_flight:
            self._idle.set()

    async def _finish(self) -> None:
        """Lets what is in flight finish, for a while."""
        background = [*self._background]
        for task in background:
            task.cancel()
        grace = min(self._run.settings.shutdown_seconds / 2, LONGEST_GRACE)
        try:
            await asyncio.wait_for(self._idle.wait(), grace)
        except asyncio.TimeoutError:
            await self._cancel_handlers()
        await asyncio.gather(*background, return_exceptions=True)

    async def _cancel_handlers(self) -> None:
        self._driver.stop()
        for task in self._driver.tasks():
            if isinstance(task, asyncio.Task):
                task.cancel()
        # However long they take: the watchdog ends the process in time.
        await self._idle.wait()

    async def _say_goodbye(self) -> None:
        for function in self._run.definition.shutdown_functions:
            try:
                result = function()
                if is_async(function) and asyncio.iscoroutine(result):
                    await result
                else:
                    must_not_wait("on_shutdown", result)
            except Exception as error:
                self._run.log.exception(f"on_shutdown: {describe_error(error)}", error)
            end_if_child(self._driver)

    def _tidy_up(self) -> None:
        """What the plugin's author started and forgot."""
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
