"""The daemon's side of what a real daemon was recorded to say: the host's bytes are the same."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from clnwire import _core
from clnwire.host import Host
from tests.host.raw import MakePlugin

CAPTURES = ("node", "forwarder", "db_write")


class Captured(NamedTuple):
    """What the daemon said, and the manifest that the plugin had answered with."""

    frames: dict[str, str]
    """By method the first frame; a hook and a topic of one name are two."""
    manifest: Any


def captured(shared: Path, name: str) -> Captured:
    frames: dict[str, str] = {}
    manifest: Any = None
    with gzip.open(shared / f"captures/{name}.jsonl.gz", "rt") as lines:
        for line in lines:
            record = json.loads(line)
            message = json.loads(record["frame"])
            if record["dir"] == "in":
                frames.setdefault(kind(message), record["frame"])
            elif "getmanifest" in str(message.get("id")):
                manifest = message["result"]
    return Captured(frames, manifest)


def kind(message: Any) -> str:
    """How a request and a notification of one name are told apart, and a hook by its command."""
    if message["method"] == "rpc_command":
        command = message["params"]["rpc_command"]["method"]
        return "rpc_command hello" if command == "hello" else "rpc_command"
    return message["method"] if "id" in message else f"*{message['method']}"


def part(frame: str, *names: str) -> bytes:
    """The exact text of a member of a member."""
    text = frame.encode()
    for name in names:
        text = dict(_core.members(text))[name]
    return text


def unnumbered(frame: str) -> str:
    """The frame without what cannot be the same: the daemon's count, and who caused a request."""
    return re.sub(r'"id":\s*"(?:[^"]*/)?(cln:\w+)#\d+"', r'"id":"\1#N"', frame)


PLUGIN = """
MANIFEST = json.loads(SOURCE)
def answer(message):
    answer = {"result": "continue"}
    if message["method"] in ("openchannel2_changed", "openchannel2_sign"):
        answer["psbt"] = "cHNi"
    return answer
"""


class Heard:
    """What a plugin with a captured manifest is told."""

    def __init__(self, make: MakePlugin, what: Captured, folder: Path) -> None:
        self._path = make(PLUGIN.replace("SOURCE", repr(json.dumps(what.manifest))))
        self._init = what.frames["init"]
        self._folder = folder
        self.frames: list[str] = []

    def host(self) -> Host:
        features = json.loads(part(self._init, "params", "configuration", "feature_set"))
        return Host(lightning_dir=self._folder, features=features, on_trace=self._trace)

    async def start(self, host: Host) -> None:
        options = json.loads(part(self._init, "params", "options"))
        await host.start(self._path, options, migrations=[])

    def _trace(self, direction: str, plugin: str, frame: bytes) -> None:
        if direction == "in":
            self.frames.append(frame.decode())

    def last(self) -> str:
        return unnumbered(self.frames[-1])


@pytest.mark.parametrize("name", CAPTURES)
def test_the_start(make: MakePlugin, shared: Path, tmp_path: Path, name: str) -> None:
    what = captured(shared, name)
    heard = Heard(make, what, tmp_path / "d")

    async def run() -> None:
        async with heard.host() as host:
            await heard.start(host)
            directory = json.loads(part(what.frames["init"], "params", "configuration"))
            there, here = directory["lightning-dir"], str(host.rpc_path.parent)
            getmanifest, init = heard.frames[:2]
            assert unnumbered(getmanifest) == unnumbered(what.frames["getmanifest"])
            assert unnumbered(init) == unnumbered(what.frames["init"].replace(there, here))

    asyncio.run(run())


@pytest.mark.parametrize("name", CAPTURES)
def test_each_kind_of_hook(make: MakePlugin, shared: Path, tmp_path: Path, name: str) -> None:
    what = captured(shared, name)
    heard = Heard(make, what, tmp_path / "d")
    asked = [hook if isinstance(hook, str) else hook["name"] for hook in what.manifest["hooks"]]

    async def run() -> int:
        async with heard.host() as host:
            await heard.start(host)
            seen = [hook for hook in asked if hook in what.frames]
            for hook in seen:
                frame = what.frames[hook]
                if hook == "db_write":
                    writes = json.loads(part(frame, "params", "writes"))
                    version = json.loads(part(frame, "params", "data_version"))
                    await host.db_write(writes, data_version=version)
                else:
                    await host.hook(hook, part(frame, "params"))
                assert heard.last() == unnumbered(frame)
            return len(seen)

    assert asyncio.run(run()) > 0


@pytest.mark.parametrize("name", ["node", "forwarder"])
def test_each_kind_of_notification(
    make: MakePlugin, shared: Path, tmp_path: Path, name: str
) -> None:
    what = captured(shared, name)
    heard = Heard(make, what, tmp_path / "d")
    topics = [kind[1:] for kind in what.frames if kind.startswith("*")]

    async def run() -> None:
        async with heard.host() as host:
            await heard.start(host)
            for topic in topics:
                frame = what.frames[f"*{topic}"]
                origin = json.loads(frame).get("origin")
                payload = part(frame, "params", topic) if origin is None else part(frame, "params")
                if topic != "shutdown":
                    assert host.notify(topic, payload, origin=origin) > 0
                    assert heard.last() == frame
        assert heard.last() == what.frames["*shutdown"]

    asyncio.run(run())
    assert len(topics) > 10


@pytest.mark.parametrize("name", ["node", "forwarder"])
def test_a_forwarded_call_and_rpc_command(
    make: MakePlugin, shared: Path, tmp_path: Path, name: str
) -> None:
    """The caller's bytes are what the daemon passed on, with the id that the caller had."""
    what = captured(shared, name)
    heard = Heard(make, what, tmp_path / "d")
    forwarded = what.frames["hello"]
    request = re.sub(r"/cln:hello#\d+", "", forwarded)

    async def run() -> None:
        async with heard.host() as host:
            await heard.start(host)
            reader, writer = await asyncio.open_unix_connection(host.rpc_path)
            writer.write(request.encode())
            await reader.readuntil(b"\n\n")
            writer.close()
            await writer.wait_closed()
            numbers = re.compile(r"/(cln:\w+)#\d+")
            rpc_command, hello = [numbers.sub(r"/\1#N", frame) for frame in heard.frames[-2:]]
            assert hello == numbers.sub(r"/\1#N", forwarded)
            assert rpc_command == numbers.sub(r"/\1#N", what.frames["rpc_command hello"])

    asyncio.run(run())


def test_setconfig(make: MakePlugin, shared: Path, tmp_path: Path) -> None:
    what = captured(shared, "node")
    heard = Heard(make, what, tmp_path / "d")
    frame = what.frames["setconfig"]

    async def run() -> None:
        async with heard.host() as host:
            await heard.start(host)
            caller = json.loads(frame)["id"].partition("/cln:")[0]
            await host.call("setconfig", part(frame, "params"), id=caller)
            assert heard.last() == unnumbered(frame)
            assert f'"{caller}/cln:setconfig#' in heard.frames[-1]

    asyncio.run(run())
