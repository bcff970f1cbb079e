"""What a caller sends that is not JSON: lightningd forwards it, and only that message is lost."""

import json

import pytest

PLUGIN = """
    from clnwire.hooks import CONTINUE

    @plugin.method("ban-peer")
    def ban(peer) -> object:
        return peer

    @plugin.hook("rpc_command")
    def guard(event):
        return CONTINUE

    @plugin.hook("invoice_creation", unknown=True)
    def created(event):
        return CONTINUE

    @plugin.subscribe("connect")
    def connected(event):
        plugin.log.info("connected")

    @plugin.subscribe("others_topic")
    def others(event: bytes):
        plugin.log.info("others")
"""
FORWARDED = {
    "an address": b"[203.0.113.7]",
    "a channel": b"[123456x1x0]",
    "hexadecimal": b"[0x10]",
    "octal": b"[010]",
    "a comma too many": b"[1,]",
    "no comma": b'["a" "b"]',
    "nan": b"[nan]",
    "infinity": b"[-Infinity]",
    "a raw tab": b'["a\tb"]',
    "a raw line break": b'["a\nb"]',
    "a raw blank line": b'["a\n\nb"]',
    "a blank line outside of strings": b"[1\n\n 2]",
    "a message inside": b'[1x\n\n{"jsonrpc":"2.0","id":"evil","method":"ban-peer","params":[1]}]',
}
REFUSED = {
    "bad UTF-8": b'["\xff"]',
    "closed by the wrong one": b"[1}",
    "a string without its end": b'["abc',
    "a bad escape": rb'["\x"]',
}
ALL = {**FORWARDED, **REFUSED}


NEXT = b'{"jsonrpc":"2.0","id":"next","method":"ban-peer","params":["fine"]}\n\n'


def send(daemon, message):
    """With the message behind it: that a string has no end shows only there."""
    daemon.write(message + b"\n\n" + NEXT)


def works(daemon):
    assert daemon.reply() == {"jsonrpc": "2.0", "id": "next", "result": "fine"}


@pytest.fixture
def daemon(plugin):
    daemon = plugin(PLUGIN)
    daemon.start()
    return daemon


@pytest.mark.promise(
    "a message that is not JSON (lightningd forwards what a caller wrote, and its parser "
    "accepts `[203.0.113.7]`, `[0x10]`, or a raw tab in a string)",
    "only that message is lost. A method's caller gets error -32700 with the byte and the "
    "text around it; a hook is answered by `on_failure`; for a notification the log has an "
    "error",
)
def test_a_method_s_caller_is_told_what_is_wrong_and_where(daemon):
    for params in ALL.values():
        message = b'{"jsonrpc":"2.0","id":"a#1","method":"ban-peer","params":%s}' % params
        send(daemon, message)
        reply = daemon.reply()
        assert reply["id"] == "a#1"
        assert reply["error"]["code"] == -32700
        text = reply["error"]["message"]
        assert text.startswith("ban-peer: the caller sent malformed JSON: ")
        assert 0 < int(text.split("at byte ")[1].split(",")[0]) < len(message) + 60
        assert "near: " in text
        assert len(text) < 300
        works(daemon)


def test_an_id_behind_the_fault_is_found(daemon):
    for params in FORWARDED.values():
        send(daemon, b'{"method":"ban-peer","params":%s,"id":"a#2"}' % params)
        reply = daemon.reply()
        assert (reply["id"], reply["error"]["code"]) == ("a#2", -32700)
        works(daemon)


@pytest.mark.promise(
    "a guard (`rpc_command`) fails at a call, or cannot read it",
    "an error for the caller; the command does not run",
)
def test_a_guarded_call_is_refused(daemon):
    for params in ALL.values():
        call = b'{"id":"x","method":"withdraw","params":%s}' % params
        send(
            daemon,
            b'{"jsonrpc":"2.0","id":"r","method":"rpc_command","params":{"rpc_command":%s}}' % call,
        )
        reply = daemon.reply()
        assert reply["id"] == "r"
        assert "malformed JSON" in json.dumps(
            reply.get("error") or reply["result"]["return"]["error"]
        )
        works(daemon)


@pytest.mark.promise(
    "a message that is not JSON (lightningd forwards what a caller wrote, and its parser "
    "accepts `[203.0.113.7]`, `[0x10]`, or a raw tab in a string)",
)
def test_a_hook_gets_its_safe_answer(daemon):
    for params in ALL.values():
        send(
            daemon,
            b'{"jsonrpc":"2.0","id":"i","method":"invoice_creation","params":{"payment":%s}}'
            % params,
        )
        assert daemon.reply() == {"jsonrpc": "2.0", "id": "i", "result": {"result": "continue"}}
        works(daemon)


@pytest.mark.promise(
    "a message that is not JSON (lightningd forwards what a caller wrote, and its parser "
    "accepts `[203.0.113.7]`, `[0x10]`, or a raw tab in a string)",
)
@pytest.mark.parametrize("topic", ["connect", "others_topic"])
def test_a_notification_is_a_line_in_the_log(daemon, topic):
    for params in ALL.values():
        before = len(daemon.logs)
        message = b'{"jsonrpc":"2.0","method":"%s","params":{"x":%s}}' % (topic.encode(), params)
        send(daemon, message)
        works(daemon)
        (line,) = daemon.logs[before:]
        assert line["level"] == "error"
        assert f"{topic}: the caller sent malformed JSON" in line["message"]


def test_what_has_neither_id_nor_method_is_a_line_in_the_log(daemon):
    send(daemon, b"garbage")
    works(daemon)
    assert "a message that is not JSON is lost" in daemon.log_text()
