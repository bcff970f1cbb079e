"""Takes the steps of a call in a task; the event loop goes on while it waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from clnwire.rpc._waiting import ExpiredError, Pause, Ready

if TYPE_CHECKING:
    from clnwire.rpc._waiting import Signal, Steps, Wait

T = TypeVar("T")


async def run(steps: Steps[T], timeout: float | None = None) -> T:
    """The steps' result; after `timeout` seconds `ExpiredError` is thrown into them."""
    loop = asyncio.get_running_loop()
    deadline = None if timeout is None else loop.time() + timeout
    try:
        wait = next(steps)
        while True:
            if await _has_come(loop, wait, deadline):
                wait = next(steps)
            else:
                wait = steps.throw(ExpiredError())
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        # After a cancellation the connection must not be used any more; the steps see to it.
        steps.close()


async def _has_come(loop: asyncio.AbstractEventLoop, wait: Wait, deadline: float | None) -> bool:
    """Waits, until the deadline at most."""
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
        return await _signal(loop, wait, future)
    finally:
        if expiry is not None:
            expiry.cancel()


async def _ready(
    loop: asyncio.AbstractEventLoop, wait: Ready, future: asyncio.Future[bool]
) -> bool:
    if wait.for_writing:
        loop.add_writer(wait.fd, _end, future, True)
    else:
        loop.add_reader(wait.fd, _end, future, True)
    try:
        return await future
    finally:
        if wait.for_writing:
            loop.remove_writer(wait.fd)
        else:
            loop.remove_reader(wait.fd)


async def _signal(
    loop: asyncio.AbstractEventLoop, signal: Signal, future: asyncio.Future[bool]
) -> bool:
    # The call that gives its turn away may run on another thread.
    signal.on_come(lambda: loop.call_soon_threadsafe(_end, future, True))
    return await future


def _end(future: asyncio.Future[bool], came: bool) -> None:
    if not future.done():
        future.set_result(came)
