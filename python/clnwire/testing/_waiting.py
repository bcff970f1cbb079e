"""Waits for events in the host's thread, and words the errors of waits that end in vain."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any, Final, Generic, TypeVar

from clnwire.errors import ClnwireError, UsageError
from clnwire.host.errors import PluginDiedError
from clnwire.host.journal import Journal
from clnwire.testing._stderr import LastLines
from clnwire.testing._traffic import Traffic

__tracebackhide__ = True

T = TypeVar("T")

LAST_MESSAGES: Final = 10
"""How many messages an error shows."""


class Pending(Generic[T]):
    """A call that a plugin has not answered yet: see `BlockingHost.start_call` and `start_hook`.

    `await` gives its result in any asyncio loop.
    """

    def __init__(self, waiter: "Waiter", coroutine: Coroutine[Any, Any, T], what: str) -> None:
        """Starts the coroutine in the host's thread. `what` did not happen if it is late."""
        self._waiter, self._what = waiter, what
        self._future = waiter.loop.start(coroutine)

    def done(self) -> bool:
        """Whether it has ended, with a result or an error."""
        return self._future.done()

    def result(self, timeout: float | None = None) -> T:
        """The result. Raises what `call` or `hook` raises.

        After a `TimeoutError`, at `timeout` seconds (the host's `patience` unless given), the call
        is still pending.
        """
        seconds = self._waiter.patience if timeout is None else timeout
        if not concurrent.futures.wait([self._future], seconds).done:
            raise self._late(seconds)
        return self._waiter.told(self._result)

    def __await__(self) -> Generator[Any, None, T]:
        return self.within(None).__await__()

    async def within(self, timeout: float | None) -> T:
        """As `result`, to await."""
        seconds = self._waiter.patience if timeout is None else timeout
        inner = asyncio.wrap_future(self._future)
        try:
            if not (await asyncio.wait([inner], timeout=seconds))[0]:
                raise self._late(seconds)
        finally:
            if not inner.done():
                # Nobody waits any more, but the call itself goes on.
                inner.add_done_callback(_retrieved)
        return self._waiter.told(self._result)

    def cancel(self) -> None:
        """Gives the call up; the plugin does not notice."""
        self._future.cancel()

    def _result(self) -> T:
        try:
            return self._future.result()
        except concurrent.futures.CancelledError:
            reason = "it was cancelled, or the host is closed"
            raise UsageError(f"{self._what}: {reason}") from None

    def _late(self, seconds: float) -> TimeoutError:
        return TimeoutError(self._waiter.explained(f"{self._what} within {seconds:g} s"))


def _retrieved(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


class LoopThread:
    """An event loop in its own thread: runs coroutines for other threads until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="clnwire-host", daemon=True
        )
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether the thread has ended."""
        return self._loop.is_closed()

    def start(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Starts the coroutine in the loop's thread.

        Raises `UsageError` in the loop's own thread, where a wait would deadlock, and after
        `close`.
        """
        if threading.get_ident() == self._thread.ident:
            coroutine.close()
            raise UsageError(
                "the host would wait for itself: what answers a command runs in the host's own "
                "thread; make it `async def` and await host.host"
            )
        if self.is_closed:
            coroutine.close()
            raise UsageError("the host is closed")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs the coroutine in the loop's thread and returns its result. Raises as `start`."""
        future = self.start(coroutine)
        try:
            return future.result()
        except BaseException:
            # The wait was interrupted, e.g. by Ctrl-C: cancel the coroutine, too.
            future.cancel()
            raise

    def close(self) -> None:
        """Cancels all tasks and ends the thread. Further calls do nothing."""
        if self.is_closed:
            return
        self.run(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _cancel_all(self) -> None:
        left = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()


class Waiter:
    """Runs the host's loop in a thread, and waits for it from the test's thread."""

    def __init__(self, patience: float, traffic: Traffic) -> None:
        self.loop = LoopThread()
        self.stderr = list[LastLines]()
        """What the plugins' processes wrote to stderr, in the order of their start."""
        self.deaths: list[PluginDiedError] = []
        """Those that an error has told the test."""
        self.patience, self._traffic = patience, traffic

    def act(self, function: Callable[[], T]) -> T:
        """Calls a function in the host's thread, and gives what it returns."""

        async def act() -> T:
            return function()

        return self.run(act())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs the coroutine in the host's thread, and gives its result."""
        return self.told(lambda: self.loop.run(coroutine))

    def told(self, function: Callable[[], T]) -> T:
        """Calls the function; its errors tell what happened, and nothing of the host's inside."""
        try:
            return function()
        except PluginDiedError as error:
            self.deaths.append(error)
            died = PluginDiedError(error.plugin, error.reason, error.pending, error.kind)
            died.args = (self.explained(self.with_stderr(error)),)
            raise died from None
        except (ClnwireError, TimeoutError) as error:
            raise error.with_traceback(None) from None

    def bounded(self, waiting: Coroutine[Any, Any, T], timeout: float | None, what: str) -> T:
        """The coroutine's result. Raises `TimeoutError` if `what` does not come in time."""
        return self.settled(Pending(self, waiting, what), timeout)

    def settled(self, pending: Pending[T], timeout: float | None) -> T:
        """The result of a call that ends with this wait."""
        try:
            return pending.result(timeout)
        finally:
            pending.cancel()

    def wait_in(
        self,
        journal: Journal[T],
        wanted: Callable[[T], bool],
        what: str,
        timeout: float | None,
        came: Callable[[T], str],
    ) -> T:
        """The next wanted entry. Raises `TimeoutError`, which shows all entries."""
        seconds = self.patience if timeout is None else timeout
        try:
            return self.run(journal.wait(wanted, seconds))
        except TimeoutError:
            raise TimeoutError(
                self.explained(f"{what} within {seconds:g} s{_overview(journal, wanted, came)}")
            ) from None

    def explained(self, text: str) -> str:
        """The text, and the last messages, unless a test's report shows them."""
        if self._traffic.is_reported:
            return text
        return f"{text}\nThe last messages:\n{self._traffic.text(LAST_MESSAGES)}"

    def with_stderr(self, death: PluginDiedError) -> str:
        """How the plugin ended, and the end of what it wrote to stderr."""
        written = [each for each in self.stderr if each.plugin == death.plugin]
        text = self.loop.run(written[-1].text()) if written else ""
        return f"{death}\nThe end of its stderr:\n{text}" if text else str(death)


def _overview(entries: Sequence[T], wanted: Callable[[T], bool], came: Callable[[T], str]) -> str:
    """What came instead, and how much of it earlier waits have returned."""
    fitting = sum(map(wanted, entries))
    earlier = f" after the {fitting} that earlier waits returned" if fitting else ""
    listed = "\n".join(map(came, entries)) or "(nothing)"
    return f"{earlier}; there is:\n{listed}"
