"""The same steps with the same plugins under any node, and what each plugin was sent meanwhile."""

from __future__ import annotations

import base64
import json
import re
import socket
import zlib
from pathlib import Path
from typing import Any, Final

from clnwire.captures.target import write_wrapper
from tests.captures.recording import records
from tests.node.differences import Streams
from tests.node.node import PATIENCE, Node, script, until

MAIN: Final = """
from typing import Any
from clnwire import Plugin, Request
from clnwire.hooks import *
from clnwire.notifications import *

plugin = Plugin()
plugin.option("text", "Hi")
plugin.option("absent", type="string")
plugin.option("number", 7)
plugin.option("is-on", False)
plugin.option("flag", type="flag")
plugin.option("quiet", type="flag")
plugin.option("friend", multi=True)
plugin.option("port", type="int", multi=True)
plugin.option("limit", 10, dynamic=True)
plugin.option("hidden", type="string-conceal", dynamic=True)
plugin.option("colour", multi=True, dynamic=True)
plugin.option("brisk", type="flag", dynamic=True)

@plugin.method("echo")
def echo(request: Request, *args: Any, **members: Any) -> Any:
    request.notify("working")
    request.progress(1, 2)
    return {"args": args, **members}

@plugin.method("shout")
def shout(level: str) -> None:
    plugin.log(f"shouts {level}", level)

@plugin.hook("rpc_command", filters=["echo", "listpeers", "tell", "nowhere", "setconfig", "check"])
def on_command(event):
    return CONTINUE

for topic in ("plugin_started", "plugin_stopped", "news", "warning", "log", "deprecated_oneshot"):
    plugin.subscribe(topic)(lambda event: None)

plugin.on_shutdown(lambda: None)
plugin.run()
"""

OTHER: Final = """
from typing import Any
from clnwire import Plugin

plugin = Plugin()
plugin.option("other-text", "none")
plugin.option("other-number", 1)
news = plugin.topic("news")
for topic in ("plugin_started", "plugin_stopped", "warning", "log"):
    plugin.subscribe(topic)(lambda event: None)

@plugin.method("tell")
def tell(what: Any) -> None:
    news.publish(what)

plugin.run()
"""

FIRST: Final = """
from clnwire import Plugin
from clnwire.hooks import *
from msgspec.structs import replace

plugin = Plugin()

@plugin.hook("rpc_command", before=["main.py"], filters=["echo", "listpeers"])
def on_command(event):
    call = event.rpc_command
    match call.params:
        case {"do": "replace"}:
            return RpcCommandReplace(replace(call, method="echo", params={"replaced": 1.50}))
        case {"do": "replace by position"}:
            return RpcCommandReplace(replace(call, id="other", method="shout", params=["info"]))
        case {"do": "return"}:
            return RpcCommandReturn.result({"returned": True})
        case {"do": "refuse"}:
            return RpcCommandReturn.error(-1, "no")
    return CONTINUE

plugin.subscribe("*")(lambda event: None)
plugin.on_shutdown(lambda: None)
plugin.run()
"""

OPTIONS: Final = (
    '--text=a \u00fc \\\\ "b" \u2028',
    "--number=010",
    "--is-on=yes",
    "--flag",
    "--friend=a",
    "--friend=b",
    "--port=010",
    "--port=-0",
    "--hidden=secret",
)

PARAMS: Final = (
    b"[]",
    b"{}",
    b'["a", 1 , 1.50, -0, 1e3, true, null, {"a" : [ ]}]',
    b'{"z":1,"a":{"z":[1,\t2]},"\\u0061\\/":"\\ud83d\\ude00 \xf0\x9f\x98\x80"}',
    b'{"a":1,"a":2}',
    b'["\\ud800"]',
    b"[1e999]",
    b"[0x10]",
    b"[nan]",
    b'["a\tb"]',
    b"[1,]",
    b'["a" "b"]',
    b"[1 \n\n 2]",
    b"null",
    b"[203.0.113.7]",
    b"[123456x1x0]",
    b"[010]",
    b"[-Infinity]",
    b'["a\nb"]',
    b"[1\n\n,2 3]",
    b'[1:2\n\n{"jsonrpc":"2.0","method":"shutdown"}\n\n]',
    b'{"a":1:"\n\n,"b":{"jsonrpc":"2.0","id":1,"method":"ban","params":["x"]}}',
    b"[" * 500 + b"]" * 500,
)
IDS: Final = (
    b'"a/b"',
    b'"\\u00fc\\n"',
    b'"\xc3\xbc"',
    b'"\x7f"',
    b'"a\tb"',
    b"7",
    b"-0.50",
    b"1e3",
    b"true",
    b'""',
)
REQUESTS: Final = (
    b'{"params" : [ 1 ] ,"method":"echo" , "id":"odd","jsonrpc":"2.0", "more":{ }}',
    b'{"jsonrpc":"2.0","id":"odd","method":"echo","params":[],"m\\u006fre":1,"\xc3\xbc":2}',
    b'{"jsonrpc":"2.0","id":"odd","method":"echo","params":[],}',
    b'{"jsonrpc":"2.0","id":"odd","method":"echo","params":[],"method":"listpeers","id":"b"}',
    b'{"jsonrpc":"2.0","id":"odd","method":"echo","params":{},"filter":{"args":true}}',
)
VALUES: Final = (
    b'"20"',
    b"21",
    b"2.50",
    b"true",
    b'"\\u00fc\\\\"',
    b'{"a" : 1}',
    b"[1]",
    b"null",
    b'"many"',
    b'"\xc3\xbc"',
)
"""Values for `setconfig`, which it sends as text."""


RECORDED: Final = Path(__file__).with_name("recorded.json")


class Recorded:
    """A plugin that `clnwire record` runs."""

    def __init__(self, folder: Path, name: str, source: str) -> None:
        self._captures = folder / f"{name}-captures"
        self.bare = script(folder / f"{name}-bare.py", source)
        self.path = folder / f"{name}.py"
        write_wrapper(self.path, [str(self.bare)], self._captures, [], force=False)

    def received(self) -> list[str]:
        """What the plugin was sent, in order."""
        (capture,) = self._captures.iterdir()
        until(lambda: _is_whole(capture))
        texts: list[str] = []
        for text in [_text(record) for record in records(capture) if record["dir"] == "in"]:
            # A blank line inside a message has cut it.
            if '"method"' not in text:
                texts[-1] += f"\n\n{text}"
            else:
                texts.append(text)
        return texts


def _is_whole(capture: Path) -> bool:
    """Its writer, a process of its own, has ended."""
    unpacked = zlib.decompressobj(wbits=31)
    unpacked.decompress(capture.read_bytes())
    return unpacked.eof


def _text(record: dict[str, Any]) -> str:
    """A frame's text; what is no JSON was recorded as bytes."""
    frame: str | None = record.get("frame")
    return base64.b64decode(record["raw"]).decode() if frame is None else frame


def play(node: Node) -> Streams:
    """Takes all steps. Gives the messages of each plugin and kind, in order, without what differs
    from run to run."""
    main = Recorded(node.folder, "main", MAIN)
    other = Recorded(node.folder, "other", OTHER)
    first = Recorded(node.folder, "first", FIRST)
    # It is asked first all the same.
    node.start(*OPTIONS, plugins=(main.path, first.path))
    for what in ("replace", "replace by position", "return", "refuse", "nothing"):
        for method in ("echo", "listpeers"):
            node.answer(method, {"do": what})
    # lightningd would not survive a call at which both fail, and refuse it.
    node.call("plugin", ["stop", first.path.name])
    for params in PARAMS:
        node.call_with("echo", params)
        node.call_with("listpeers", params)
    for token in IDS:
        node.call_with("echo", b"[1]", token)
    for request in REQUESTS:
        node.raw(request)
    on_one_connection(
        node, ("notifications", [True]), ("echo", [2]), ("deprecations", [True]), ("echo", [3])
    )
    _configure(node)
    node.call("plugin", {"subcommand": "start", "plugin": str(other.path), "other-text": "x=y"})
    for level in ("debug", "info", "warn", "error"):
        node.call("shout", [level])
    for what in (b"[1, 2.50]", b'[{"a" : "\\u00fc"}]', b"[null]", b'{"what":"b"}'):
        node.call_with("tell", what)
    node.call("plugin", ["stop", other.path.name])
    node.answer("nowhere")
    assert node.stop() == 0
    plugins = {"main": main, "first": first, "other": other}
    received = {name: plugin.received() for name, plugin in plugins.items()}
    return _sorted(node, received)


def _configure(node: Node) -> None:
    for value in VALUES:
        for option in (b"limit", b"hidden", b"colour", b"brisk"):
            node.call_with("setconfig", b'["%b",%b]' % (option, value))
            node.call_with("check", b'["setconfig" , "%b",%b]' % (option, value))
    for value in (b'[ 1, "a\\"b" , {"c": 1.0}]', b"[]", b'"red"', b"null"):
        node.call_with("setconfig", b'{"config":"colour","val":%b}' % value)
        node.call_with("setconfig", b'{"config":"limit","val":%b}' % value)
    node.call("setconfig", ["brisk"])
    node.call("setconfig", {"config": "limit", "val": 21, "transient": True})
    node.answer("setconfig", ["limit"])
    node.answer("setconfig", ["text", "static"])
    node.answer("setconfig", ["nothing", "x"])
    node.answer("check", {"command_to_check": "setconfig", "config": "limit", "val": 22})
    node.answer("check", ["echo", 1])
    node.answer("check", {"command_to_check": "echo", "a": 1})
    node.answer("check", ["nowhere"])


def on_one_connection(node: Node, *calls: tuple[str, object]) -> None:
    """Makes the calls over a single connection."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(PATIENCE)
        caller.connect(str(node.socket))
        for number, (method, params) in enumerate(calls):
            request = {"jsonrpc": "2.0", "id": f"c{number}", "method": method, "params": params}
            caller.sendall(json.dumps(request).encode())
            got = b""
            while b'"result"' not in got or not got.endswith(b"\n\n"):
                got += caller.recv(1 << 16)


def _sorted(node: Node, received: dict[str, list[str]]) -> Streams:
    streams: Streams = {}
    for plugin, texts in received.items():
        for text in texts:
            method, is_request = _kind(text)
            if not _is_of_others(method, text):
                name = "requests" if is_request else method
                streams.setdefault(f"{plugin} {name}", []).append(alike(text, node.folder))
    return streams


def _kind(text: str) -> tuple[str, bool]:
    """The method, and whether it is a request; some of the messages are no JSON."""
    method = re.search(r'"method" ?: ?"([^"]+)"', text)
    assert method is not None, text
    return method[1], re.search(r'"id" ?: ?"[^"]*cln:', text) is not None


def _is_of_others(method: str, text: str) -> bool:
    """Whether it is about plugins that only one of the nodes has."""
    if method == "rpc_command":
        return re.search(r'"rpc_command":{"id":"cln:', text) is not None
    if method in ("log", "warning"):
        return re.search(r'"source":"plugin-(main|other)', text) is None
    if method == "plugin_started":
        # At the start it depends on who is ready first.
        return "/other.py" not in text
    if method == "plugin_stopped":
        return re.search(r"/(main|first|other)\.py", text) is None
    # Of a chain.
    return method in ("block_added", "balance_snapshot", "coin_movement")


def alike(text: str, folder: Path) -> str:
    """Without what differs from run to run: numbers of requests, times, keys and folders."""
    text = text.replace(str(folder), "FOLDER")
    text = re.sub(r"(cln:[^\"#]+)#\d+", r"\1#N", text)
    text = re.sub(r'"time":"[\d.]+"', '"time":"T"', text)
    text = re.sub(r'"timestamp":"[\d.:TZ-]+"', '"timestamp":"T"', text)
    return re.sub(r"\b0[23][0-9a-f]{64}\b", "KEY", text)


def recorded() -> Streams:
    """What lightningd sent when `python -m tests.node.record` was run."""
    streams: Streams = json.loads(RECORDED.read_text())
    return streams
