"""For each rule a little plugin that breaks it: a body for `tests.host.raw`."""

from __future__ import annotations

import textwrap
from typing import Final

from msgspec import Struct

from clnwire.host.rules.dialect import Name


class Broken(Struct, frozen=True):
    """A plugin with one fault."""

    code: str
    where: str
    """The place that is reported."""
    words: str
    """Part of the message."""
    body: str
    dialects: tuple[str, ...] = ("current", "2019")
    """Those in which it is seen; none: that depends."""
    checked_in: tuple[Name, ...] = ("current", "2019")
    """A plugin of today's need not be one for the daemon of 2019."""
    others: tuple[str, ...] = ()
    """Rules that cannot but be broken at the same time."""

    @property
    def hangs(self) -> bool:
        """Whether something is waited for in vain."""
        return "sleep(60)" in self.body or self.code in HANGING


HANGING: Final = ("CW108", "CW209", "CW502", "CW701", "CW702", "CW703")
CURRENT: Final = ("current",)


def answering(statement: str) -> str:
    """Does something, then answers a hook as it should."""
    return textwrap.dedent(
        f"""
        MANIFEST["hooks"] = ["peer_connected"]
        def answer(message):
            {statement}
            return {{"result": "continue"}}
        """
    )


def method(statement: str) -> str:
    """Has a method that does something."""
    return textwrap.dedent(
        f"""
        MANIFEST["rpcmethods"] = [{{"name": "mine", "usage": "a [b]", "description": ""}}]
        def answer(message):
            if message["method"] == "mine":
                assert message["params"] == {{"a": 1}}
                {statement}
            return {{}}
        """
    )


def option(members: str) -> str:
    """Has one option."""
    return f'MANIFEST["options"] = [{{"name": "a", "description": "", {members}}}]\n'


def calling(body: str) -> str:
    """Can call the daemon, and wait for its answer."""
    return CALLING + textwrap.dedent(body)


CALLING: Final = """
import socket
path = None
def call():
    daemon = socket.socket(socket.AF_UNIX)
    daemon.connect(path)
    daemon.sendall(b'{"jsonrpc":"2.0","id":1,"method":"listpeers","params":{}}')
    return daemon.recv(65536)
def init(message):
    global path
    configuration = message["params"]["configuration"]
    path = os.path.join(configuration["lightning-dir"], configuration["rpc-file"])
    return {}
"""

BROKEN: Final = [
    # The manifest.
    Broken(
        "CW001",
        "manifest rpcmethods",
        "and is missing",
        'del MANIFEST["rpcmethods"]',
        CURRENT,
    ),
    Broken(
        "CW002",
        "manifest options[0].name",
        "not 'A'",
        'MANIFEST["options"] = [{"name": "A"}]',
        CURRENT,
    ),
    Broken(
        "CW003",
        "manifest options[0] (a).type",
        "not float",
        option('"type": "float"'),
        CURRENT,
    ),
    Broken(
        "CW004",
        "manifest options[0] (a).default",
        "must be an integer",
        option('"type": "int", "default": "x"'),
        CURRENT,
    ),
    Broken(
        "CW005",
        "manifest options[0] (a).multi",
        "several times",
        option('"type": "flag", "multi": True'),
        CURRENT,
    ),
    Broken(
        "CW006",
        "manifest rpcmethods[0].name",
        "taken by the daemon itself",
        'MANIFEST["rpcmethods"] = [{"name": "listpeers", "usage": ""}]',
        CURRENT,
    ),
    Broken(
        "CW007",
        "manifest hooks[1]",
        "registered twice",
        'MANIFEST["hooks"] = ["recover", "recover"]',
        CURRENT,
    ),
    Broken(
        "CW008",
        "manifest hooks[0]",
        "did you mean 'peer_connected'",
        'MANIFEST["hooks"] = ["peer_conected"]',
        CURRENT,
    ),
    Broken(
        "CW009",
        "manifest hooks[0] (recover).filters",
        "takes none",
        'MANIFEST["hooks"] = [{"name": "recover", "filters": []}]',
        CURRENT,
    ),
    Broken(
        "CW010",
        "manifest notifications[0].method",
        "the daemon's own topic",
        'MANIFEST["notifications"] = [{"method": "connect"}]',
        CURRENT,
    ),
    Broken(
        "CW011",
        "manifest nonnumericids",
        "must not be false",
        'MANIFEST["nonnumericids"] = False',
        CURRENT,
    ),
    Broken(
        "CW012",
        "manifest featurebits.node",
        "hexadecimal",
        'MANIFEST["featurebits"] = {"node": "x"}',
        CURRENT,
    ),
    Broken(
        "CW013",
        "manifest hooks",
        "db_write beside hook peer_connected, method mine",
        """
        MANIFEST["rpcmethods"] = [{"name": "mine", "usage": "[a]", "description": ""}]
        MANIFEST["hooks"] = ["db_write", "peer_connected"]
        def manifest(message):
            is_current = isinstance(message["id"], str)
            return {**MANIFEST, "subscriptions": ["shutdown"] if is_current else []}
        def notified(message):
            pass
        def answer(message):
            is_old_write = isinstance(message["id"], int) and "writes" in message["params"]
            return True if is_old_write else {"result": "continue"}
        """,
    ),
    Broken(
        "CW014",
        "manifest subscriptions",
        "'conect' is not",
        'MANIFEST["subscriptions"] = ["conect"]',
        CURRENT,
    ),
    Broken(
        "CW015",
        "topic connect",
        "by its name and by '*'",
        'MANIFEST["subscriptions"] = ["connect", "*"]',
        CURRENT,
    ),
    # Output.
    Broken(
        "CW016",
        "manifest subscriptions",
        "shutdown is not subscribed to",
        """
        MANIFEST["hooks"] = ["db_write"]
        def answer(message):
            return {"result": "continue"} if isinstance(message["id"], str) else True
        """,
        CURRENT,
    ),
    Broken(
        "CW017",
        "manifest dynamic",
        "dynamic is true",
        """
        MANIFEST["hooks"] = ["db_write"]
        MANIFEST["dynamic"] = True
        def manifest(message):
            is_current = isinstance(message["id"], str)
            return {**MANIFEST, "subscriptions": ["shutdown"] if is_current else []}
        def notified(message):
            pass
        def answer(message):
            return {"result": "continue"} if isinstance(message["id"], str) else True
        """,
        CURRENT,
    ),
    Broken(
        "CW018",
        "manifest subscriptions[0]",
        "'block_added' is not a known",
        'MANIFEST["subscriptions"] = ["block_added"]',
        ("2019",),
        checked_in=("2019",),
    ),
    Broken(
        "CW019",
        "manifest rpcmethods",
        "method 'keysend' is taken where",
        """
        MANIFEST["rpcmethods"] = [{"name": "keysend", "usage": "", "description": ""}]
        def answer(message):
            return {}
        """,
        CURRENT,
    ),
    Broken(
        "CW101",
        "hook peer_connected",
        "'hello",
        answering('print("hello", flush=True)'),
    ),
    Broken(
        "CW102",
        "hook peer_connected",
        "invalid UTF-8",
        answering('os.write(1, b\'{"jsonrpc":"\\xff"}\')'),
    ),
    Broken(
        "CW103",
        "hook peer_connected",
        'without "jsonrpc"',
        answering('say("{}")'),
    ),
    Broken(
        "CW104",
        "hook peer_connected",
        'without "params"',
        answering('send(method="mine")'),
    ),
    Broken(
        "CW105",
        "hook peer_connected",
        'without a string "message"',
        answering("log(5)"),
    ),
    Broken(
        "CW106",
        "hook peer_connected",
        "unknown level 'loud'",
        answering('log("x", "loud")'),
    ),
    Broken(
        "CW107",
        "hook peer_connected",
        "without the id",
        answering('send(method="progress", params={"num": 0, "total": 1})'),
        CURRENT,
        others=("CW104",),
    ),
    Broken(
        "CW108",
        "hook peer_connected",
        "an id of no request",
        """
        MANIFEST["hooks"] = ["peer_connected"]
        def reply(message, result, reply=reply):
            if message["method"] == "peer_connected":
                message = {"id": 0.5}
            reply(message, result)
        def answer(message):
            return {"result": "continue"}
        """,
        others=("CW304",),
    ),
    Broken(
        "CW109",
        "hook peer_connected",
        "a second reply",
        answering('reply(message, {"result": "continue"})'),
        # The second reply may come while the next event is answered.
        others=("CW211", "CW401"),
    ),
    Broken(
        "CW110",
        "topic connect",
        "a reply to no request",
        """
        MANIFEST["subscriptions"] = ["connect"]
        def notified(message):
            send(id=None, result={})
        """,
        others=("CW405",),
    ),
    Broken(
        "CW111",
        "hook peer_connected",
        "topic 'mine'",
        answering('send(method="mine", params={})'),
        CURRENT,
        others=("CW104",),
    ),
    Broken(
        "CW112",
        "hook peer_connected",
        "a line of 262145 bytes",
        answering('log("x" * 262_144); log("x" * 262_145)'),
        ("current",),
    ),
    # Start and end.
    Broken(
        "CW201",
        "getmanifest",
        "did not answer getmanifest",
        """
        def manifest(message):
            time.sleep(60)
        """,
        CURRENT,
    ),
    Broken(
        "CW202",
        "getmanifest",
        "no thanks",
        """
        def handle(message):
            fail(message, 1, "no thanks")
        """,
        CURRENT,
    ),
    Broken(
        "CW203",
        "getmanifest",
        "status 1; its stderr ends with: ImportError: no such thing",
        'raise ImportError("no such thing")',
        CURRENT,
    ),
    Broken(
        "CW204",
        "init",
        "did not answer init",
        """
        def init(message):
            time.sleep(60)
        """,
        CURRENT,
    ),
    Broken(
        "CW205",
        "init",
        "an error",
        """
        def init(message):
            raise NotImplementedError
        def handle(message, handle=handle):
            if message["method"] == "init":
                return fail(message, 1, "no")
            handle(message)
        """,
    ),
    Broken(
        "CW206",
        "start",
        "needs an address",
        """
        def init(message):
            return {"disable": "needs an address"}
        """,
        CURRENT,
    ),
    Broken(
        "CW207",
        "start",
        "more than 1 s",
        "time.sleep(1)",
    ),
    Broken(
        "CW208",
        "end of input",
        "still runs after",
        """
        def ended():
            time.sleep(60)
        """,
    ),
    Broken(
        "CW209",
        "topic shutdown",
        "still runs after",
        """
        MANIFEST["subscriptions"] = ["shutdown"]
        def notified(message):
            pass
        """,
        CURRENT,
    ),
    Broken(
        "CW210",
        "end of input",
        "exited with status 3",
        """
        def ended():
            sys.exit(3)
        """,
    ),
    Broken(
        "CW211",
        "running",
        "exited with status 0",
        """
        def handle(message, handle=handle):
            handle(message)
            if message["method"] == "init":
                os._exit(0)
        """,
        # Whether it is noticed in the middle of the start or after it is a matter of chance.
        (),
    ),
    # Hooks.
    Broken(
        "CW212",
        "topic shutdown",
        "exited with status 0 instead of answering db_write",
        """
        MANIFEST["hooks"] = ["db_write"]
        MANIFEST["subscriptions"] = ["shutdown"]
        def answer(message):
            return {"result": "continue"} if isinstance(message["id"], str) else True
        """,
        CURRENT,
    ),
    Broken(
        "CW301",
        "hook peer_connected",
        "not answered within",
        """
        MANIFEST["hooks"] = ["peer_connected"]
        def answer(message):
            time.sleep(60)
        """,
    ),
    Broken(
        "CW302",
        "hook peer_connected",
        '"result" must be "continue" or "disconnect"',
        """
        MANIFEST["hooks"] = ["peer_connected"]
        def answer(message):
            return {"result": "allow"}
        """,
    ),
    Broken(
        "CW303",
        "hook rpc_command",
        'no "continue", "replace" or "return"',
        """
        MANIFEST["hooks"] = ["rpc_command"]
        def answer(message):
            return {"result": "ok"}
        """,
        CURRENT,
    ),
    Broken(
        "CW304",
        "hook peer_connected",
        "its stderr ends with: KeyError: 'name'",
        """
        MANIFEST["hooks"] = ["peer_connected"]
        def answer(message):
            return message["params"]["peer"]["name"]
        """,
    ),
    Broken(
        "CW305",
        "hook peer_connected",
        "cannot look it up",
        answering('log("cannot look it up", "error")'),
    ),
    Broken(
        "CW306",
        "hook peer_connected",
        "more than 0.2 s",
        answering("time.sleep(0.25)"),
    ),
    # Events.
    Broken(
        "CW401",
        "hook peer_connected",
        "unexpected keyword",
        """
        MANIFEST["hooks"] = ["peer_connected"]
        def on_peer(peer):
            return {"result": "continue"}
        def answer(message):
            return on_peer(**message["params"])
        """,
    ),
    Broken(
        "CW402",
        "hook peer_connected",
        "KeyError: 'of_tomorrow'",
        """
        MANIFEST["hooks"] = ["peer_connected"]
        def answer(message):
            {"in": 1, "out": 2}[message["params"]["peer"].get("direction", "in")]
            return {"result": "continue"}
        """,
        CURRENT,
    ),
    Broken(
        "CW403",
        "hook invoice_payment",
        "must be str",
        """
        MANIFEST["hooks"] = ["invoice_payment"]
        def answer(message):
            amount = message["params"]["payment"]["msat"]
            if isinstance(amount, str) and "cln" in str(message["id"]):
                raise TypeError("must be str")
            return {"result": "continue"} if isinstance(amount, int) else {}
        """,
        CURRENT,
    ),
    Broken(
        "CW404",
        "topic channel_state_changed",
        "KeyError: 'short_channel_id'",
        """
        MANIFEST["subscriptions"] = ["channel_state_changed"]
        def notified(message):
            message["params"]["channel_state_changed"]["short_channel_id"]
        """,
        CURRENT,
    ),
    Broken(
        "CW405",
        "topic connect",
        "KeyError: 'name'",
        """
        MANIFEST["subscriptions"] = ["connect"]
        def notified(message):
            message["params"]["name"]
        """,
    ),
    Broken(
        "CW406",
        "topic connect",
        "KeyError: 'name'",
        """
        MANIFEST["subscriptions"] = ["connect"]
        import traceback
        def notified(message):
            try:
                message["params"]["name"]
            except KeyError:
                for line in traceback.format_exc().splitlines():
                    log(line)
        """,
    ),
    Broken(
        "CW407",
        "hook rpc_command",
        "surrogates not allowed",
        """
        MANIFEST["hooks"] = ["rpc_command"]
        def answer(message):
            params = message["params"]["rpc_command"].get("params", {})
            " ".join(map(str, params.values() if isinstance(params, dict) else params)).encode()
            return {"result": "continue"}
        """,
        CURRENT,
    ),
    # How messages arrive.
    Broken(
        "CW501",
        "start",
        "in pieces: it exited with status 1",
        """
        def messages():
            while data := os.read(0, 1 << 16):
                yield json.loads(data)
        """,
        CURRENT,
        others=("CW502",),
    ),
    Broken(
        "CW502",
        "hook peer_connected",
        "of two in one read",
        """
        MANIFEST["hooks"] = ["peer_connected"]

        def answer(message):
            pass
            return {"result": "continue"}
        def messages():
            text, decoder = "", json.JSONDecoder()
            while data := os.read(0, 1 << 16):
                text = (text + data.decode()).lstrip()
                try:
                    message, end = decoder.raw_decode(text)
                except ValueError:
                    continue
                text = ""
                yield message
        """,
        CURRENT,
    ),
    Broken(
        "CW503",
        "start",
        "with blank lines",
        """
        MANIFEST["rpcmethods"] = [{"name": "mine", "usage": "", "description": ""}]
        def messages():
            text = b""
            while data := os.read(0, 1 << 16):
                *whole, text = (text + data).split(b"\\n\\n")
                for message in whole:
                    yield json.loads(message)
        """,
        CURRENT,
        others=("CW504",),
    ),
    Broken(
        "CW504",
        "messages",
        "it exited with status 1; its stderr ends with: json.decoder.JSONDecodeError",
        """
        MANIFEST["rpcmethods"] = [{"name": "mine", "usage": "", "description": ""}]
        def messages():
            text, decoder = "", json.JSONDecoder()
            while data := os.read(0, 1 << 16):
                text = (text + data.decode()).lstrip()
                while text:
                    try:
                        message, end = decoder.raw_decode(text)
                    except json.JSONDecodeError as error:
                        if error.pos < len(text.rstrip()) and "203.0" in text:
                            raise
                        break
                    yield message
                    text = text[end:].lstrip()
        """,
        CURRENT,
    ),
    # Options and methods.
    Broken(
        "CW601",
        "start",
        "with --a=True",
        option('"type": "flag"')
        + textwrap.dedent(
            """
            def init(message):
                assert message["params"]["options"].get("a") in (None, "set")
                return {}
            """
        ),
        CURRENT,
    ),
    Broken(
        "CW602",
        "start",
        "with --a=0x10",
        option('"type": "int", "default": 16'),
        CURRENT,
    ),
    Broken(
        "CW603",
        "setconfig a",
        "not answered within",
        option('"type": "int", "default": 1, "dynamic": True')
        + textwrap.dedent(
            """
            def answer(message):
                time.sleep(60)
            """
        ),
        CURRENT,
        others=("CW602",),
    ),
    Broken(
        "CW604",
        "setconfig a",
        "not now",
        option('"type": "string", "default": "x", "dynamic": True')
        + textwrap.dedent(
            """
            def handle(message, handle=handle):
                if message["method"] == "setconfig":
                    return fail(message, -32602, "not now")
                handle(message)
            """
        ),
        CURRENT,
    ),
    Broken(
        "CW605",
        "method mine",
        "not answered within",
        """
        MANIFEST["rpcmethods"] = [{"name": "mine", "usage": "[a]", "description": ""}]
        MANIFEST["cancheck"] = True
        def answer(message):
            time.sleep(60)
        """,
        CURRENT,
    ),
    Broken(
        "CW606",
        "method mine",
        "accepts a call without b",
        """
        MANIFEST["rpcmethods"] = [{"name": "mine", "usage": "b", "description": ""}]
        MANIFEST["cancheck"] = True
        """,
        CURRENT,
    ),
    Broken("CW607", "method mine", "was not answered within", method("time.sleep(60)"), CURRENT),
    Broken("CW608", "method mine", "ZeroDivisionError", method("1 / 0"), CURRENT),
    Broken("CW609", "method mine", "cannot do it", method('log("cannot do it", "error")'), CURRENT),
    # Calls of the daemon.
    Broken(
        "CW701",
        "init",
        "waits for listpeers",
        calling(
            """
            MANIFEST["hooks"] = ["rpc_command"]
            def answer(message):
                return {"result": "continue"}
            def init(message, init=init):
                init(message)
                call()
                return {}
            """
        ),
        CURRENT,
    ),
    Broken(
        "CW702",
        "hook db_write",
        "waits for listpeers",
        calling(
            """
            MANIFEST["hooks"] = ["db_write"]
            def manifest(message):
                is_current = isinstance(message["id"], str)
                return {**MANIFEST, "subscriptions": ["shutdown"] if is_current else []}
            def notified(message):
                pass
            path = None
            def answer(message):
                if path:
                    call()
                return {"result": "continue"} if isinstance(message["id"], str) else True
            """
        ),
    ),
    Broken(
        "CW703",
        "hook rpc_command",
        "waits for listpeers",
        calling(
            """
            MANIFEST["hooks"] = ["rpc_command"]
            def answer(message):
                call()
                return {"result": "continue"}
            """
        ),
        CURRENT,
    ),
]
