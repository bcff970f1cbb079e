"""The measured plugin in its several forms; CLNWIRE_BENCH_FORM names the one.

`plain`: plain functions, so the blocking driver. `beside`: the same in a plugin with an
`async def`, so the event loop. `async`: an `async def` that waits for nothing. `thread`: a plain
one in a thread. With `-asyncio` behind it, uvloop is not used.
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
