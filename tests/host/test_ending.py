"""The host goes on committing while it stops, and names who leaves too early."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from clnwire.host import FatalAnswerError, Host, Stopped
from clnwire.host.journal import LogEntry
from clnwire.host.plugins.launcher import PluginSpec
from tests.host.conftest import MakePlugin
from tests.host.socket_caller import calling

pytestmark = pytest.mark.process

WRITER = """
MANIFEST["hooks"] = ["db_write"]
MANIFEST["subscriptions"] = ["shutdown"]
seen = open({seen!r}, "a", buffering=1)
def answer(message):
    print(message["method"], message["params"]["data_version"], file=seen)
    return {{"result": "continue"}}
def notified(message):
    print("shutdown", file=seen)
    {at_shutdown}
def ended():
    print("end of input", file=seen)
"""
OTHER = """
MANIFEST["subscriptions"] = ["shutdown"]
"""
LINGERS = """
MANIFEST["rpcmethods"] = [{"name": "leave", "usage": ""}]
MANIFEST["subscriptions"] = ["shutdown"]
def notified(message):
    log("told")
def answer(message):
    reply(message, {})
    sys.exit(0)
"""
REFUSES = """
answer_continue = answer
def answer(message):
    if message["params"]["writes"] == ["refuse"]:
        return {"result": "refused"}
    return answer_continue(message)
"""


def stop(
    make: MakePlugin, seen: Path, at_shutdown: str, *, subscribes: bool = True, beside: bool = False
) -> tuple[list[str], list[LogEntry], Stopped, int]:
    """What a writer saw, the host's remarks, why it ended, and its last version."""
    body = WRITER.format(seen=str(seen), at_shutdown=at_shutdown)
    if not subscribes:
        body += 'MANIFEST["subscriptions"] = []\n'

    async def run() -> tuple[list[LogEntry], Stopped, int]:
        async with Host(shutdown_timeout=1) as host:
            specs = [PluginSpec(make(body))]
            if beside:
                specs.append(PluginSpec(make(OTHER, name="other.py")))
            await host.start_all(specs)
            await host.stop()
            remarks = [remark for remark in host.remarks if remark.kind in ("missed", "aborted")]
            return remarks, await host.wait_stopped(), host.data_version

    remarks, stopped, version = asyncio.run(run())
    return seen.read_text().splitlines(), remarks, stopped, version


def test_it_commits_while_it_stops_and_closes_the_input_of_who_stays(
    make: MakePlugin, tmp_path: Path
) -> None:
    seen, remarks, stopped, _ = stop(make, tmp_path / "seen", "pass")
    assert seen == ["db_write 1", "shutdown", "db_write 2", "end of input"]
    assert (remarks, stopped.failed) == ([], False)


def test_it_commits_again_when_the_others_have_ended(make: MakePlugin, tmp_path: Path) -> None:
    seen, remarks, stopped, _ = stop(make, tmp_path / "seen", "pass", beside=True)
    assert seen == ["db_write 1", "shutdown", "db_write 2", "db_write 3", "end of input"]
    assert (remarks, stopped.failed) == ([], False)


def test_it_aborts_if_a_writer_leaves_at_shutdown(make: MakePlugin, tmp_path: Path) -> None:
    seen, (remark,), stopped, _ = stop(make, tmp_path / "seen", "sys.exit(0)")
    assert seen == ["db_write 1", "shutdown"]
    assert (remark.level, remark.kind) == ("broken", "aborted")
    assert stopped.failed
    assert "exited with status 0" in stopped.reason


def test_it_names_a_writer_that_is_not_told(make: MakePlugin, tmp_path: Path) -> None:
    seen, (remark,), _, version = stop(make, tmp_path / "seen", "pass", subscribes=False)
    assert seen == ["db_write 1", "end of input"]
    assert remark.kind == "missed"
    assert "has missed" in remark.message
    assert version == 1


def test_one_made_with_clnwire_sees_all(tmp_path: Path) -> None:
    path, seen = tmp_path / "writer.py", tmp_path / "seen"
    path.write_text(
        f"""
from clnwire import Plugin
from clnwire.hooks import CONTINUE, DbWrite
plugin = Plugin()
seen = open({str(seen)!r}, "a", buffering=1)
@plugin.hook("db_write")
def on_write(event: DbWrite):
    print(event.data_version, file=seen)
    return CONTINUE
@plugin.on_shutdown
def bye():
    print("bye", file=seen)
plugin.run()
"""
    )
    other = tmp_path / "other.py"
    other.write_text("from clnwire import Plugin\nPlugin().run()\n")

    async def run() -> tuple[Stopped, list[LogEntry]]:
        async with Host() as host:
            await host.start_all([PluginSpec(path), PluginSpec(other)])
            await host.stop()
            return await host.wait_stopped(), list(host.remarks)

    stopped, remarks = asyncio.run(run())
    assert seen.read_text().split() == ["1", "2", "3", "bye"]
    assert (stopped.failed, remarks) == (False, [])


def test_it_takes_no_new_callers_while_it_stops(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host(shutdown_timeout=20) as host:
            await host.start(make(LINGERS))
            async with calling(host) as caller:
                assert "result" in await caller.ask("getinfo")
                ending = asyncio.ensure_future(host.stop())
                await host.wait_for_log("told")
                with pytest.raises(OSError):
                    await asyncio.open_unix_connection(host.rpc_path)
                assert "result" in await caller.ask("getinfo")
                await caller.ask("leave")
                await ending

    asyncio.run(run())


def test_a_set_that_was_refused_is_the_last(make: MakePlugin, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    body = WRITER.format(seen=str(seen), at_shutdown="pass") + REFUSES

    async def run() -> int:
        async with Host(shutdown_timeout=1) as host:
            await host.start(make(body))
            with pytest.raises(FatalAnswerError):
                await host.db_write(["refuse"])
            return host.data_version

    assert asyncio.run(run()) == 1
    assert seen.read_text().splitlines() == ["db_write 1", "shutdown", "end of input"]
