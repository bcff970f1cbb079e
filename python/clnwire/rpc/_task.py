"""Runs the steps of a call in an asyncio task; each wait is awaited."""

import asyncio
from typing import TypeVar

from clnwire.rpc._waiting import ExpiredError, Pause, Ready, Steps, Wait

T = TypeVar("T")


async def run(steps: Steps[T], timeout: float | None = None) -> T:
    """As `_waiting.run`, but awaits each wait."""
    loop = asyncio.get_running_loop()
    deadline = None if timeout is None else loop.time() + timeout
    try:
        wait = next(steps)
        while True:
            occurred = await _wait_for(loop, wait, deadline)
            wait = next(steps) if occurred else steps.throw(ExpiredError())
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        # After a cancellation, closing the generator makes it drop its connection.
        steps.close()


async def _wait_for(loop: asyncio.AbstractEventLoop, wait: Wait, deadline: float | None) -> bool:
    """Waits until `deadline` (event-loop time) at most; False if it passed first."""
    if deadline is not None and loop.time() >= deadline:
        return False
    if isinstance(wait, Pause):
        await asyncio.sleep(wait.seconds)
        return True
    future: asyncio.Future[bool] = loop.create_future()
    expiry = None if deadline is None else loop.call_at(deadline, _end, future, False)
    try:
        if isinstance(wait, Ready):
            return await _ready(loop, wait, future)
        # The call that returns the connection may run on another thread.
        wait.on_set(lambda: loop.call_soon_threadsafe(_end, future, True))
        return await future
    finally:
        if expiry is not None:
            expiry.cancel()


async def _ready(
    loop: asyncio.AbstractEventLoop, wait: Ready, future: asyncio.Future[bool]
) -> bool:
    add = loop.add_writer if wait.for_writing else loop.add_reader
    remove = loop.remove_writer if wait.for_writing else loop.remove_reader
    add(wait.fd, _end, future, True)
    try:
        return await future
    finally:
        remove(wait.fd)


def _end(future: asyncio.Future[bool], occurred: bool) -> None:
    if not future.done():
        future.set_result(occurred)
