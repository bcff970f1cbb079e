"""A plugin process under faults, and what has to be true whatever happens to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.daemon import Daemon
from tests.faults.outcome import (
    AS_ASKED,
    CALLER,
    ENDED,
    PATIENCE,
    UNHARMED,
    BrokenPromiseError,
    Faults,
    Outcome,
)
from tests.faults.strace import traced

HEADER = """
import signal
from clnwire import Plugin, RpcError
from clnwire.hooks import CONTINUE, Continue, PeerConnected

plugin = Plugin()
topic = plugin.topic("mine")
signal.signal(signal.SIGUSR1, lambda *_: None)
"""
FORMS = """
@plugin.hook("peer_connected")
{head} connected(event: PeerConnected) -> Continue:
    return CONTINUE

@plugin.method("echo")
{head} echo(text: str) -> str:
    return text

@plugin.method("say")
{head} say(text: str) -> str:
    plugin.log("said " + text)
    print("printed", text, flush=True)
    topic.publish({{"text": text}})
    return text

@plugin.method("fail")
{head} fail(text: str) -> str:
    raise RpcError(-7, "as asked: " + text)

@plugin.method("pooled", thread=True)
def pooled(text: str) -> str:
    return text

@plugin.method("large")
{head} large(text: str) -> str:
    return text * 30_000

@plugin.subscribe("block_added")
{head} block(event: bytes) -> None:
    pass

@plugin.method("ask")
{head} ask(text: str) -> str:
    reply = {call}("echo", {{"text": text}})
    return reply["text"]

plugin.run()
"""
WITHOUT_UVLOOP = 'import sys\nsys.modules["uvloop"] = None\n'
AWAITED = FORMS.format(head="async def", call="await plugin.rpc.aio.call")
KINDS = {
    "plugin": HEADER + FORMS.format(head="def", call="plugin.rpc.call"),
    "plugin on asyncio": WITHOUT_UVLOOP + HEADER + AWAITED,
    "plugin on uvloop": HEADER + AWAITED,
}
PEER = {"id": "02" + "ab" * 32, "direction": "in", "addr": "127.0.0.1:1", "features": ""}
RIGHT: dict[str, Any] = {
    "echo": "x",
    "say": "x",
    "pooled": "x",
    "large": "x" * 30_000,
    "ask": "x",
    "peer_connected": {"result": "continue"},
}
"""Method → its result."""
REFUSED = {"fail": -7, "nothing": -32601}
"""Method → the code of its error."""
ORDINARY = ("info: said", "info: printed", "debug: no handler for 'nothing'")
"""How the lines begin that the plugin always logs."""


@contextlib.contextmanager
def commands(folder: Path) -> Generator[None]:
    """A daemon's socket whose commands return their params."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "lightning-rpc"))
    listening.listen()

    def answer(connection: socket.socket) -> None:
        data = b""
        with connection, contextlib.suppress(OSError):
            while more := connection.recv(65536):
                data += more
                while data.strip():
                    try:
                        text = data.decode().lstrip()
                        call, end = json.JSONDecoder().raw_decode(text)
                    except ValueError:
                        break
                    data = text[end:].encode()
                    reply = {"jsonrpc": "2.0", "id": call["id"], "result": call["params"]}
                    connection.sendall(json.dumps(reply).encode() + b"\n\n")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


@dataclass
class Conversation:
    """Requests of every form to one plugin, and its replies."""

    daemon: Daemon
    asked: dict[str, str] = field(default_factory=dict)
    """Id → method."""
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: str = ""
    """What it said in place of a manifest."""

    def start(self, folder: Path) -> bool:
        """Whether it gives its manifest and takes init."""
        requests = self.daemon.starting({}, **{"lightning-dir": str(folder)})
        for method, params in requests.items():
            reply = self.daemon.request(method, params)
            if "error" in reply:
                self.refused = reply["error"]["message"]
                return False
        return True

    def round(self, methods: Sequence[str] = (*RIGHT, *REFUSED)) -> None:
        """Asks for each once: alone, then all at once, and one message in two halves."""
        for method in methods:
            self._send([method], "alone")
            self._wait()
        self._send(methods, "together", halves=True)
        self._wait()

    def _send(self, methods: Sequence[str], series: str, *, halves: bool = False) -> None:
        data = b""
        for method in methods:
            token = f"cln:{method}#{series}"
            self.asked[token] = method
            params: Any = {"peer": PEER} if method == "peer_connected" else ["x"]
            request = {"jsonrpc": "2.0", "id": token, "method": method, "params": params}
            data += json.dumps(request).encode() + b"\n\n"
        block = {"block_added": {"hash": "00" * 32, "height": 1}}
        topic = {"jsonrpc": "2.0", "method": "block_added", "params": block}
        data += json.dumps(topic).encode() + b"\n\n"
        with contextlib.suppress(BrokenPipeError):
            if halves:
                self.daemon.write(data[: len(data) // 2 - 7])
                time.sleep(0.002)
                data = data[len(data) // 2 - 7 :]
            self.daemon.write(data)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while len(self.answered) < len(self.asked):
            try:
                self._take(self.daemon.receive(deadline - time.monotonic()))
            except TimeoutError:
                missing = self.asked.keys() - self.answered.keys()
                raise BrokenPromiseError(
                    f"no answer to {sorted(missing)} although it runs"
                ) from None

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("method") == "log":
            self.daemon.logs.append(message["params"])
        elif "method" not in message:
            token = message["id"]
            if token not in self.asked or token in self.answered:
                raise BrokenPromiseError(f"an answer that nobody waits for: {message}")
            self.answered[token] = message
        elif message["method"] != "mine":
            raise BrokenPromiseError(f"a message that nobody sent: {message}")

    def drain(self) -> None:
        """Reads until the plugin has closed its output."""
        while True:
            try:
                self._take(self.daemon.receive(PATIENCE))
            except EOFError:
                return
            except TimeoutError:
                raise BrokenPromiseError("it does not end") from None

    def judge(self, status: int, said: str, ends: bool) -> Outcome:
        """Raises `BrokenPromiseError` if something promised is missing."""
        if self.refused:
            return Outcome(CALLER, self.refused)
        errors = self._errors()
        missing = sorted(self.asked.keys() - self.answered.keys())
        if ends and (status == 0 or not missing):
            return Outcome(AS_ASKED, said)
        if status == 0 and missing:
            raise BrokenPromiseError(f"it ended with 0, and has not answered {missing}: {said}")
        if status == -signal.SIGABRT and not said:
            said = "libuv, uvloop's library, aborts the process if epoll has no memory"
        if status and not said:
            raise BrokenPromiseError(f"it ended with {status} and said nothing")
        if status:
            return Outcome(ENDED, f"{status}: {said}")
        return Outcome(CALLER if errors else UNHARMED, said)

    def _errors(self) -> int:
        """How many have got an error in place of an answer; raises if an answer is wrong."""
        errors = 0
        for token, reply in self.answered.items():
            method = self.asked[token]
            if method in RIGHT and "result" in reply and reply["result"] != RIGHT[method]:
                raise BrokenPromiseError(f"a wrong answer: {reply}")
            if method in REFUSED and reply.get("error", {}).get("code") != REFUSED[method]:
                raise BrokenPromiseError(f"a wrong answer: {reply}")
            errors += method in RIGHT and "error" in reply
        return errors


def run(kind: str, folder: Path, faults: Faults) -> Outcome:
    """Talks to a plugin of one of `KINDS` under faults. Raises `BrokenPromiseError`."""
    path = folder / "plugin.py"
    path.write_text(KINDS[kind])
    with commands(folder):
        daemon = Daemon(path, is_forked=True)
        try:
            daemon.getmanifest()
            daemon.init({}, **{"lightning-dir": str(folder)})
            # What is imported late is imported before.
            Conversation(daemon).round()
            daemon.logs.clear()
            with traced(daemon.process.pid, folder / "calls", faults):
                return _faulty(daemon, faults.ends, Conversation.round)
        finally:
            daemon.close()


def start(kind: str, folder: Path, faults: Faults) -> Outcome:
    """The same from `plugin.run()` on: the manifest, init, what is imported late, and one call."""
    path, go = folder / "plugin.py", folder / "go"
    waiting = f"open({str(go)!r}).close()\nplugin.run()"
    path.write_text(KINDS[kind].replace("plugin.run()", waiting))
    os.mkfifo(go)

    def began(conversation: Conversation) -> None:
        if conversation.start(folder):
            conversation.round(["echo"])

    with commands(folder):
        daemon = Daemon(path, is_forked=True)
        try:
            # The plugin opens it at the same time, and has done all imports before.
            with go.open("w") as holds, traced(daemon.process.pid, folder / "calls", faults):
                holds.close()
                return _faulty(daemon, faults.ends, began)
        finally:
            daemon.close()


def _faulty(daemon: Daemon, ends: bool, ask: Callable[[Conversation], None]) -> Outcome:
    conversation = Conversation(daemon)
    # It has ended.
    with contextlib.suppress(EOFError, BrokenPipeError):
        ask(conversation)
    assert daemon.process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        daemon.process.stdin.close()
    conversation.drain()
    try:
        status = daemon.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        raise BrokenPromiseError("it has closed its output, and does not end") from None
    lines = [f"{line['level']}: {line['message']}" for line in daemon.logs]
    said = [line for line in lines if not line.startswith(ORDINARY)]
    return conversation.judge(status, "; ".join([*said, daemon.errors().strip()]).strip("; "), ends)
