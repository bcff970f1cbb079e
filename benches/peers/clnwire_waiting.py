"""The measured plugin in several forms, of which CLNWIRE_BENCH_FORM selects one.

`plain`: plain functions on the blocking driver. `beside`: plain functions on the event loop, which
another `async def` handler requires. `async`: an `async def` that never waits. `thread`: a plain
function with `thread=True`. The suffix `-asyncio` selects asyncio's own event loop, not uvloop.
"""

import os
import sys
from copy import copy
from itertools import count

from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue, DbWrite

form, _, loop = os.environ["CLNWIRE_BENCH_FORM"].partition("-")
if loop == "asyncio":
    sys.modules["uvloop"] = None  # type: ignore[assignment]

plugin = Plugin()
numbers = count()


def on_write(event: DbWrite) -> Continue:
    return CONTINUE


async def on_write_async(event: DbWrite) -> Continue:
    return CONTINUE


def on_flood(event: bytes) -> None:
    next(numbers)


async def on_flood_async(event: bytes) -> None:
    next(numbers)


if form == "beside":

    @plugin.subscribe("never")
    async def on_never(event: bytes) -> None: ...


plugin.hook("db_write", thread=form == "thread")(on_write_async if form == "async" else on_write)
plugin.subscribe("flood", thread=form == "thread")(on_flood_async if form == "async" else on_flood)


@plugin.subscribe("report")
def on_report(event: bytes) -> None:
    # A copy's next number is how many have been taken.
    plugin.log(str(next(copy(numbers))))


plugin.run()
