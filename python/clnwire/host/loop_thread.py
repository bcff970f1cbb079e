"""An event loop in its own thread, for synchronous callers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from clnwire.errors import UsageError

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


class LoopThread:
    """Runs coroutines on behalf of other threads until it is closed."""

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

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
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
