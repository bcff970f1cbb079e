"""The daemon's order at the start, and how a start fails."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from clnwire import ConnectionLostError, Plugin
from clnwire.host import (
    FatalAnswerError,
    Host,
    HostError,
    ManifestError,
    PluginDiedError,
    PluginOptionError,
)
from clnwire.host.commands.unix_socket import shortened
from clnwire.rpc import connect
from tests.host.raw import MakePlugin

RECORDER = """
import stat
seen = []
MANIFEST["rpcmethods"] = [{"name": "seen", "usage": "", "description": "d"}]

def note(message):
    rpc = "lightning-rpc"
    seen.append({"text": message["TEXT"], "method": message["method"], "rpc": os.path.exists(rpc)})

def handle(message, handle=handle):
    note(message)
    handle(message)

def answer(message):
    if message["method"] == "seen":
        return {"seen": seen, "cwd": os.getcwd(), "environment": dict(os.environ), "argv": sys.argv}
    return {"result": "continue"}
"""


def started(path: Path, **start: Any) -> dict[str, Any]:
    """What a plugin made of RECORDER has seen until it was asked."""

    async def run() -> dict[str, Any]:
        async with Host() as host:
            await host.start(path, **start)
            seen: dict[str, Any] = await host.call("seen")
            seen["mode"] = stat.S_IMODE(host.rpc_path.stat().st_mode)
            seen["rpc_path"] = host.rpc_path
            return seen

    return asyncio.run(run())


def fails(path: Path, error: type[Exception], match: str, **host_options: Any) -> Exception:
    """Starting the plugin raises this; the exception itself is returned for more questions."""

    async def run() -> None:
        async with Host(**host_options) as host:
            await host.start(path)

    with pytest.raises(error, match=match) as caught:
        asyncio.run(run())
    return caught.value


def test_getmanifest_then_init_then_the_rest(make: MakePlugin) -> None:
    seen = started(make(RECORDER))["seen"]
    assert [entry["method"] for entry in seen] == ["getmanifest", "init", "seen"]
    assert seen[0]["text"] == (
        '{"jsonrpc":"2.0","id":"cln:getmanifest#1","method":"getmanifest",'
        '"params":{"allow-deprecated-apis":false}}'
    )


def test_the_environment_is_the_daemons(make: MakePlugin) -> None:
    path = make(RECORDER)
    seen = started(path, env={"EXTRA": "1"})
    assert seen["environment"]["LIGHTNINGD_PLUGIN"] == "1"
    assert seen["environment"]["LIGHTNINGD_VERSION"] == "v26.06.6"
    assert seen["environment"]["EXTRA"] == "1"
    assert Path(seen["cwd"]).resolve() == seen["rpc_path"].parent.resolve()
    assert seen["argv"] == [str(path)]


def test_the_socket_opens_before_init_and_is_for_its_owner_only(make: MakePlugin) -> None:
    result = started(make(RECORDER))
    assert [entry["rpc"] for entry in result["seen"]] == [False, True, True]
    assert result["mode"] == 0o600
    assert result["rpc_path"].parts[-2:] == ("regtest", "lightning-rpc")


def test_init_tells_options_and_configuration(make: MakePlugin) -> None:
    result = started(make(RECORDER))
    params = json.loads(result["seen"][1]["text"])["params"]
    configuration = params["configuration"]
    assert params["options"] == {}
    assert configuration["lightning-dir"] == str(result["rpc_path"].parent)
    assert configuration["rpc-file"] == "lightning-rpc"
    assert configuration["startup"] is True
    assert configuration["network"] == "regtest"
    assert set(configuration["feature_set"]) >= {"init", "node", "channel", "invoice"}


def test_db_write_comes_before_init(make: MakePlugin) -> None:
    body = RECORDER + '\nMANIFEST["hooks"] = ["db_write"]\n'
    seen = started(make(body), migrations=[["CREATE TABLE a (b)"], ["DROP TABLE a", "PRAGMA x"]])
    methods = [entry["method"] for entry in seen["seen"]]
    assert methods == ["getmanifest", "db_write", "db_write", "init", "seen"]
    writes = [json.loads(entry["text"])["params"] for entry in seen["seen"][1:3]]
    assert writes == [
        {"data_version": 1, "writes": ["CREATE TABLE a (b)"]},
        {"data_version": 2, "writes": ["DROP TABLE a", "PRAGMA x"]},
    ]
    assert [entry["rpc"] for entry in seen["seen"]] == [False, False, False, True, True]


def test_a_refused_migration_stops_the_start(make: MakePlugin) -> None:
    path = make(
        'MANIFEST["hooks"] = ["db_write"]\ndef answer(message):\n    return {"result": "no"}'
    )
    fails(path, FatalAnswerError, r"plugin 'plugin.py', hook db_write: \"result\" must be")


def test_a_plain_python_file_is_run_with_this_python(make: MakePlugin) -> None:
    assert started(make(RECORDER, mode=0o644))["seen"]


def test_a_given_directory_stays(make: MakePlugin, tmp_path: Path) -> None:
    async def run() -> None:
        async with Host(lightning_dir=tmp_path / "dir", network="signet") as host:
            await host.start(make(""))
            assert host.rpc_path == tmp_path / "dir/signet/lightning-rpc"
            assert host.rpc_path.is_socket()
        assert not host.rpc_path.exists()
        assert host.rpc_path.parent.is_dir()

    asyncio.run(run())


def test_a_temporary_directory_goes(make: MakePlugin) -> None:
    async def run() -> Path:
        async with Host() as host:
            await host.start(make(""))
            return host.rpc_path

    assert not asyncio.run(run()).parent.parent.exists()


def test_a_host_that_was_not_entered_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept").touch()
    asyncio.run(Host().stop())
    assert (tmp_path / "kept").exists()


def test_an_error_to_init_counts_as_success(make: MakePlugin) -> None:
    body = 'def handle(message, handle=handle):\n    if message["method"] == "init":\n'
    body += '        fail(message, -1, "no")\n    else:\n        handle(message)\n'

    async def run() -> None:
        async with Host() as host:
            plugin = await host.start(make(body))
            assert plugin.disabled is None
            assert plugin.returncode is None

    asyncio.run(run())


@pytest.mark.parametrize(
    "body",
    [
        'MANIFEST = {"disable": "no bitcoind"}',
        'def init(message):\n    return {"disable": "no bitcoind"}',
    ],
    ids=["manifest", "init"],
)
def test_a_plugin_may_disable_itself(make: MakePlugin, body: str) -> None:
    async def run() -> None:
        async with Host() as host:
            plugin = await host.start(make(body))
            assert plugin.disabled == "no bitcoind"
            assert plugin.returncode is not None
            with pytest.raises(HostError, match="no plugin has been started"):
                await host.hook("recover", {})

    asyncio.run(run())


def test_a_plugin_that_dies_at_start(make: MakePlugin) -> None:
    error = fails(
        make("sys.exit(3)"),
        PluginDiedError,
        r"plugin 'plugin.py' exited with status 3; it had not answered \"cln:getmanifest#1\"",
    )
    assert isinstance(error, PluginDiedError)
    assert error.pending == ('"cln:getmanifest#1"',)


def test_a_plugin_ended_by_a_signal(make: MakePlugin) -> None:
    fails(make("os.kill(os.getpid(), 15)"), PluginDiedError, "was ended by SIGTERM")


def test_a_plugin_that_never_answers_getmanifest(make: MakePlugin) -> None:
    body = "def handle(message):\n    pass"
    match = "did not answer getmanifest within 0.2 s"
    fails(make(body), PluginDiedError, match, manifest_timeout=0.2)


def test_a_plugin_that_never_answers_init(make: MakePlugin) -> None:
    body = 'def handle(message, handle=handle):\n    message["method"] == "init" or handle(message)'
    fails(make(body), PluginDiedError, "did not answer init within 0.2 s", init_timeout=0.2)


def test_a_plugin_that_answers_with_the_wrong_id(make: MakePlugin) -> None:
    body = 'def handle(message):\n    send(id="cln:getmanifest#2", result=MANIFEST)'
    fails(make(body), PluginDiedError, "did not answer getmanifest", manifest_timeout=0.2)


def test_an_error_to_getmanifest(make: MakePlugin) -> None:
    body = 'def handle(message):\n    fail(message, -32601, "what?")'
    fails(make(body), ManifestError, r"result: is missing; the error is .*what\?")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    fails(tmp_path / "none.py", HostError, "there is no such file")


def test_a_file_that_cannot_be_run(tmp_path: Path) -> None:
    path = tmp_path / "plugin.sh"
    path.write_text("true")
    fails(path, HostError, "is not executable; try: chmod")
    path.chmod(0o755)
    fails(path, HostError, "cannot be started: it is not a program; a script must begin with")
    path.write_text("#! /no/such/python3 -u\n")
    fails(path, HostError, "its first line names '/no/such/python3', and there is no such file")
    fails(tmp_path, HostError, "is a directory; name a file in it")


def test_a_failed_start_leaves_room_for_another(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            with pytest.raises(PluginDiedError):
                await host.start(make("sys.exit(1)", "bad.py"))
            await host.start(make("", "good.py"))
            assert host.plugin.name == "good.py"
            await host.start(make("", "second.py"))
            assert [plugin.name for plugin in host.plugins] == ["good.py", "second.py"]

    asyncio.run(run())


def test_an_unknown_option_is_refused_with_the_nearest_one(make: MakePlugin) -> None:
    option = {"name": "greeting", "type": "string", "description": "d"}

    async def run() -> None:
        async with Host() as host:
            await host.start(make(f'MANIFEST["options"] = [{option!r}]'), {"greting": "Hi"})

    with pytest.raises(PluginOptionError, match="no option 'greting'; did you mean 'greeting'"):
        asyncio.run(run())


def test_the_host_must_be_entered(make: MakePlugin) -> None:
    with pytest.raises(HostError, match="async with Host"):
        asyncio.run(Host().start(make("")))


def test_an_unknown_dialect_is_refused_with_the_known_ones() -> None:
    dialect: Any = "2021"
    match = "there is no dialect '2021'; there are 'current', '2020', '2019'"
    with pytest.raises(HostError, match=match):
        Host(dialect=dialect)


def test_a_socket_whose_path_does_not_fit_into_an_address(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100) / ("é" * 60)
    folder.mkdir(parents=True)
    plugin = Plugin()

    @plugin.method("network", thread=True)
    def network() -> str:
        return str(plugin.rpc.getinfo().network)

    async def run() -> None:
        async with Host(lightning_dir=folder) as host:
            await host.start(plugin)
            assert len(os.fsencode(host.rpc_path)) > 200
            assert host.rpc_path.is_socket()
            assert stat.S_IMODE(host.rpc_path.stat().st_mode) == 0o600
            assert await host.call("network") == "regtest"
            async with connect(host.rpc_path) as rpc:
                assert (await rpc.getinfo()).network == "regtest"
            command = [sys.executable, "-m", "clnwire", "call", "--lightning-dir", folder]
            called = await asyncio.create_subprocess_exec(
                *command, "network", stdout=asyncio.subprocess.PIPE
            )
            out, _ = await called.communicate()
            assert b"regtest" in out
        assert not host.rpc_path.exists()

    asyncio.run(run())
    with pytest.raises(ConnectionLostError, match="No such file"):
        connect(folder / "lightning-rpc").call("getinfo")


def test_what_a_killed_daemon_left_in_a_deep_directory_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 120) / "regtest"
    folder.mkdir(parents=True)

    async def run() -> None:
        async with Host(lightning_dir=folder.parent) as host:
            with shortened(host.rpc_path) as name, socket.socket(socket.AF_UNIX) as left:
                left.bind(name)
            await host.start(Plugin())
            assert (await host.call("getinfo"))["network"] == "regtest"

    asyncio.run(run())


def test_two_hosts_in_one_directory(make: MakePlugin, tmp_path: Path) -> None:
    async def run() -> None:
        async with Host(lightning_dir=tmp_path) as first:
            await first.start(make(""))
            with pytest.raises(
                HostError, match=rf"another host runs in .* \(process {os.getpid()}\)"
            ):
                await Host(lightning_dir=tmp_path).__aenter__()
            assert first.rpc_path.is_socket()
        async with Host(lightning_dir=tmp_path) as third:
            await third.start(make(""))

    asyncio.run(run())


def test_a_daemon_that_listens_in_the_directory(make: MakePlugin, tmp_path: Path) -> None:
    (tmp_path / "regtest").mkdir()
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.bind(str(tmp_path / "regtest/lightning-rpc"))
        daemon.listen()
        fails(make(""), HostError, "another daemon listens", lightning_dir=tmp_path)


def test_the_lock_goes_with_the_process(make: MakePlugin, tmp_path: Path) -> None:
    (tmp_path / "regtest").mkdir()
    (tmp_path / "regtest/clnwire.lock").write_text("1\n")

    async def run() -> None:
        async with Host(lightning_dir=tmp_path) as host:
            await host.start(make(""))
        assert not (tmp_path / "regtest/clnwire.lock").exists()

    asyncio.run(run())


def test_a_socket_left_behind_is_replaced(make: MakePlugin, tmp_path: Path) -> None:
    (tmp_path / "regtest").mkdir()
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(tmp_path / "regtest/lightning-rpc"))

    async def run() -> None:
        async with Host(lightning_dir=tmp_path) as host:
            await host.start(make(""))
            _, writer = await asyncio.open_unix_connection(host.rpc_path)
            writer.close()
            await writer.wait_closed()

    asyncio.run(run())


def test_a_lock_that_is_a_link_is_left_alone(make: MakePlugin, tmp_path: Path) -> None:
    (tmp_path / "regtest").mkdir(0o700)
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "regtest/clnwire.lock").symlink_to(tmp_path / "precious")
    fails(make(""), HostError, "symbolic link", lightning_dir=tmp_path)
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_lock_that_is_a_named_pipe_is_refused(make: MakePlugin, tmp_path: Path) -> None:
    (tmp_path / "regtest").mkdir(0o700)
    os.mkfifo(tmp_path / "regtest/clnwire.lock")
    fails(make(""), HostError, "not a regular file", lightning_dir=tmp_path)


def test_a_new_directory_is_its_owners_alone(make: MakePlugin, tmp_path: Path) -> None:
    root = tmp_path / "new"

    async def run() -> None:
        async with Host(lightning_dir=root) as host:
            await host.start(make(""))
            modes = [stat.S_IMODE(each.stat().st_mode) for each in (root, root / "regtest")]
            assert modes == [0o700, 0o700]

    asyncio.run(run())


@pytest.mark.parametrize("folder", [".", "regtest"])
def test_a_directory_that_all_can_write_is_refused(
    make: MakePlugin, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "node/regtest").mkdir(parents=True)
    (tmp_path / "node" / folder).chmod(0o777)
    fails(make(""), HostError, "chmod o-w", lightning_dir=tmp_path / "node")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a directory away")
def test_a_directory_of_another_user_is_refused(make: MakePlugin, tmp_path: Path) -> None:
    (tmp_path / "node").mkdir(0o700)
    os.chown(tmp_path / "node", 12345, -1)
    fails(make(""), HostError, "belongs to another user", lightning_dir=tmp_path / "node")


def test_developer_mode_is_an_argument(make: MakePlugin) -> None:
    path = make(RECORDER)
    assert started(path, arguments=["--developer"])["argv"] == [str(path), "--developer"]
