"""Waits for events in the host's thread. A time-out's error shows the last messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from clnwire.errors import UsageError
from clnwire.host.hooks import bounded
from clnwire.host.loop_thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from clnwire.host.journal import Journal
    from clnwire.testing._traffic import Traffic

T = TypeVar("T")

LAST_MESSAGES: Final = 10
"""How many messages an error shows; pytest's report shows more."""


class Waiter:
    """Runs the host's loop in a thread, and waits for it from the test's thread."""

    def __init__(self, patience: float, traffic: Traffic) -> None:
        self.loop = LoopThread()
        self._patience, self._traffic = patience, traffic

    def act(self, function: Callable[[], T]) -> T:
        """Calls a function in the host's thread, and gives what it returns."""

        async def act() -> T:
            return function()

        return self.loop.run(act())

    def bounded(self, waiting: Coroutine[Any, Any, T], timeout: float | None, what: str) -> T:
        """The coroutine's result. Raises `TimeoutError` if `what` does not come in time."""
        seconds = self._patience if timeout is None else timeout
        try:
            return self.loop.run(bounded(waiting, seconds, what))
        except TimeoutError as error:
            raise TimeoutError(self.explained(str(error))) from None
        except UsageError:
            # Close it in case the loop never ran it: Python warns of coroutines never awaited.
            waiting.close()
            raise

    def wait_in(
        self,
        journal: Journal[T],
        wanted: Callable[[T], bool],
        what: str,
        timeout: float | None,
        came: Callable[[], str],
    ) -> T:
        """The first wanted entry. Raises `TimeoutError`, which shows the other entries."""
        seconds = self._patience if timeout is None else timeout
        try:
            return self.loop.run(journal.wait(wanted, seconds))
        except TimeoutError:
            text = f"{what} within {seconds:g} s; there is:\n{came() or '(nothing)'}"
            raise TimeoutError(self.explained(text)) from None

    def explained(self, text: str) -> str:
        """The text, and the last messages."""
        return f"{text}\nThe last messages:\n{self._traffic.text(LAST_MESSAGES)}"
