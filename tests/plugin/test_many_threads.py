"""Handlers in many threads at once, with Python's lock and, on a build that has none, without.

All that handlers share is used at the same time: requests and their ids, the log, options that the
node changes, topics, the client and its connections.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from clnwire.host import Host

CALLS = 150
NOTED = 300
PLUGIN = """
import threading
from clnwire import Plugin

plugin = Plugin(max_threads=32)
limit = plugin.option("limit", 0, dynamic=True)
counted = plugin.topic("counted")
lock = threading.Lock()
noted = []
inside = most = 0


@plugin.method("work", thread=True)
def work(number: int):
    global inside, most
    with lock:
        inside += 1
        most = max(most, inside)
    plugin.log(f"{number} begins")
    before = limit.value
    answer = plugin.rpc.call("double", {"number": number})
    counted.publish({"number": number})
    after = limit.value
    plugin.log(f"{number} ends")
    with lock:
        inside -= 1
    return {"number": number, "double": answer, "limits": [before, after]}


@plugin.subscribe("noise", thread=True)
def noise(event: dict):
    with lock:
        noted.append(event["number"])


@plugin.method("seen")
def seen():
    return {"most": most, "noted": sorted(noted)}


plugin.run()
"""


@pytest.mark.promise(
    "handlers run in 32 threads, which log, publish, call the daemon and read options at once",
    "each request has its own answer, nothing is lost, and nothing is there twice",
)
def test_nothing_is_lost_or_mixed(tmp_path: Path) -> None:
    path = tmp_path / "plugin.py"
    path.write_text(PLUGIN)

    async def run() -> None:
        async with Host() as host:
            host.command("double")(lambda params: 2 * params["number"])
            await host.start(path)
            calls = [host.call("work", {"number": number}) for number in range(CALLS)]
            settings = [host.call("setconfig", ["limit", value]) for value in range(CALLS)]
            for number in range(NOTED):
                host.notify("noise", {"number": number})
            answers, _ = await asyncio.gather(asyncio.gather(*calls), asyncio.gather(*settings))
            for number, answer in enumerate(answers):
                limits = answer.pop("limits")
                assert answer == {"number": number, "double": 2 * number}
                assert set(limits) <= set(range(CALLS))
            await host.wait_for_log(f"{CALLS - 1} ends")
            seen = await host.call("seen")
            assert seen["noted"] == list(range(NOTED))
            assert seen["most"] > 1
            logged = sorted(entry.message for entry in host.plugin.logs)
            lines = [f"{number} {what}" for number in range(CALLS) for what in ("begins", "ends")]
            assert logged == sorted(lines)
            published = [entry.payload["number"] for entry in host.plugin.published]
            assert sorted(published) == list(range(CALLS))

    asyncio.run(run())
