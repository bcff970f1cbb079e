"""Hooks: the event in, an answer in the daemon's dialect out, and the safe answer on failure."""

from __future__ import annotations

import json

import pytest

from clnwire.hooks import InvoicePaymentFail
from clnwire.hooks._catalogue import HOOKS
from clnwire.host.rules._samples import PSBT
from clnwire.host.rules.samples import hook_sample

CONTINUE = {"result": "continue"}
PEER = {
    "current": {"id": "02" * 33, "direction": "in", "addr": "1.2.3.4:5", "features": "80"},
    "2020": {"id": "02" * 33, "addr": "1.2.3.4:5", "features": "80"},
    "2019": {"id": "02" * 33, "addr": "1.2.3.4:5", "globalfeatures": "", "localfeatures": "81"},
}
WRITE = {
    "current": {"data_version": 7, "writes": ["PRAGMA foreign_keys = ON"]},
    "2019": {"writes": ["PRAGMA foreign_keys = ON"]},
}
WRITE["2020"] = WRITE["current"]


def test_db_write_in_both_dialects(plugin, dialect):
    daemon = plugin(
        """
        @plugin.hook("db_write")
        def on_write(event: DbWrite):
            plugin.log(f"{event.data_version} {event.writes}")
            return CONTINUE
        """,
        dialect=dialect,
    )
    manifest = daemon.getmanifest()
    assert manifest["hooks"] == (["db_write"] if dialect == "2019" else [{"name": "db_write"}])
    assert daemon.call("db_write", WRITE[dialect]) == (True if dialect == "2019" else CONTINUE)
    daemon.init()
    assert daemon.call("db_write", WRITE[dialect]) == (True if dialect == "2019" else CONTINUE)
    version = None if dialect == "2019" else 7
    assert f"{version} ['PRAGMA foreign_keys = ON']" in daemon.log_text()


@pytest.mark.parametrize("kind", ["msgspec.Raw", "bytes"])
def test_the_event_as_it_came(plugin, kind):
    daemon = plugin(
        f"""
        @plugin.hook("db_write")
        def on_write(event: {kind}):
            plugin.log(f"{{type(event).__name__}} {{bytes(event).decode()}}")
            return CONTINUE
        """
    )
    daemon.getmanifest()
    daemon.write('{"id":1,"method":"db_write","params":{"data_version" : 1, "writes":[]}}')
    assert daemon.reply()["result"] == CONTINUE
    name = kind.removeprefix("msgspec.")
    assert daemon.log_text() == f'info {name} {{"data_version" : 1, "writes":[]}}'


FAILURES = {
    "raises": "raise ValueError('broken')",
    "forgets": "return None",
    "answers nonsense": "return 'continue'",
    "answers another hook's": "return HtlcResolve(payment_key='00')",
}


def failing(hooks: dict[str, str]) -> str:
    """A plugin whose hooks do this."""
    handlers = [
        f"@plugin.hook({hook!r}, unknown=True)\ndef on_{hook}(event):\n    {statement}\n"
        for hook, statement in hooks.items()
    ]
    return MUTE + "".join(handlers)


MUTE = """
class Mute(Exception):
    def __str__(self):
        raise RuntimeError

"""


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("hook", ["db_write", "commitment_revocation"])
def test_going_on_could_lose_money_so_it_is_refused(plugin, hook, failure, dialect):
    # A plugin with `db_write` has no other hook.
    daemon = plugin(failing({hook: FAILURES[failure]}), dialect=dialect)
    daemon.getmanifest()
    event = WRITE[dialect] if hook == "db_write" else hook_sample(hook)
    reply = daemon.request(hook, event)
    assert "result" not in reply
    assert reply["error"]["message"].startswith(f"{hook}: ")
    assert hook in daemon.log_text()
    assert "error" in daemon.log_text()
    assert "error" in daemon.request(hook, event), "the plugin lives on"


@pytest.mark.parametrize("hook", ["db_write", "commitment_revocation"])
def test_refusing_on_purpose(plugin, hook):
    daemon = plugin(
        f"""
        @plugin.hook("{hook}")
        def on_event(event):
            return Refuse("disk full")
        """
    )
    daemon.getmanifest()
    error = daemon.request(hook, hook_sample(hook))["error"]
    assert error["message"] == f"{hook}: refused: disk full"
    assert daemon.log_text() == f"error {hook}: refused: disk full"


REJECT = {"result": "reject", "error_message": "internal error"}
SAFE = {
    "peer_connected": CONTINUE,
    "invoice_payment": CONTINUE,
    "htlc_accepted": CONTINUE,
    "custommsg": CONTINUE,
    "recover": CONTINUE,
    "openchannel": REJECT,
    "openchannel2": REJECT,
    "rbf_channel": REJECT,
    "openchannel2_changed": {"result": "continue", "psbt": PSBT},
    "openchannel2_sign": {"result": "continue", "psbt": PSBT},
    "onion_message_recv": CONTINUE,
    "onion_message_recv_secret": CONTINUE,
    "a_hook_of_tomorrow": CONTINUE,
}
FAILURES["raises what cannot be shown"] = "raise Mute()"
FAILURES["answers a wrong object"] = "return {'result': 7, 'foo': [msgspec.Raw(b'nonsense')]}"


@pytest.mark.promise(
    "a handler raises, returns an invalid answer or none, or its event cannot be decoded",
)
@pytest.mark.parametrize("hook", [*SAFE, "rpc_command"])
@pytest.mark.parametrize("failure", FAILURES)
def test_safe_answers(running, hook, failure):
    hooks = dict.fromkeys([*SAFE, "rpc_command"], FAILURES[failure])
    if "another" in failure:
        hooks["htlc_accepted"] = FAILURES["raises"]
    daemon = running(failing(hooks))
    tomorrow = hook not in HOOKS
    if tomorrow and "another" in failure:
        return  # any object may be an answer to it
    event = {"anything": 1} if tomorrow else hook_sample(hook)
    for _ in range(2):
        answer = daemon.call(hook, event)
        assert answer == SAFE[hook] if hook in SAFE else answer["return"]["error"]["code"] == -32603
    assert f"error {hook}: " in daemon.log_text()
    assert "cannot be decoded" not in daemon.log_text()


@pytest.mark.parametrize("hook", ["openchannel2_changed", "openchannel2_sign"])
def test_a_bare_continue_would_abort_the_daemon(plugin, hook):
    daemon = plugin(
        f"""
        @plugin.hook("{hook}")
        def on_event(event: dict):
            if event["{hook}"]["psbt"] == "mine":
                return {{"result": "continue", "psbt": "changed"}}
            return CONTINUE
        """
    )
    daemon.start()
    assert daemon.call(hook, {hook: {"psbt": "mine"}})["psbt"] == "changed"
    assert daemon.call(hook, {hook: {"psbt": "theirs"}}) == {"result": "continue", "psbt": "theirs"}
    assert "permitted answers: OpenChannel2" in daemon.log_text()
    assert "error" in daemon.request(hook, {hook: {}}), "there is no safe answer without one"


@pytest.mark.promise(
    "an answer has a wrong value, a member of the wrong type, or one that is not permitted",
    "it cannot be built; for a dict, the safe answer and an error in the log",
)
@pytest.mark.parametrize(
    "answer",
    [
        "PeerDisconnect(error_message=5)",
        "PeerDisconnect",
        "Continue",
        "{'result': 'contniue'}",
        "{'result': 'continue', 'error_message': 'no'}",
        "{'result': 'disconnect', 'error_message': 5}",
        "{}",
        "[]",
        "msgspec.Raw(b'{')",
    ],
)
def test_answers_are_checked_down_to_their_fields(plugin, answer):
    daemon = plugin(
        f"""
        @plugin.hook("peer_connected")
        def on_peer(event):
            return {answer}
        """
    )
    daemon.start()
    assert daemon.call("peer_connected", {"peer": PEER["current"]}) == CONTINUE
    assert "error peer_connected: " in daemon.log_text()


@pytest.mark.parametrize("message", ["", "40", "40 0f", "0000", "xyz0", "400"])
def test_a_failure_message_starts_with_a_code(message):
    with pytest.raises(ValueError):
        InvoicePaymentFail(failure_message=message)


@pytest.mark.parametrize("params", [None, {}, [], {"writes": "no list"}, {"writes": [1]}, "x", 5])
def test_an_event_that_cannot_be_decoded_gets_the_safe_answer(plugin, params):
    daemon = plugin(
        """
        @plugin.hook("db_write")
        def on_write(event: DbWrite):
            return CONTINUE
        """
    )
    daemon.getmanifest()
    reply = daemon.request("db_write", params)
    assert "the daemon's message cannot be decoded" in reply["error"]["message"]
    assert daemon.call("db_write", WRITE["current"]) == CONTINUE


def test_peer_connected(plugin, dialect):
    daemon = plugin(
        """
        @plugin.hook("peer_connected")
        def on_peer(event: PeerConnected):
            plugin.log(f"{event.peer.direction} {event.peer.features} {event.peer.localfeatures}")
            if event.peer.addr.startswith("1"):
                return CONTINUE
            silently = event.peer.addr.startswith("6")
            return PeerDisconnect() if silently else PeerDisconnect(error_message="no")
        """,
        dialect=dialect,
    )
    daemon.start()
    peer = PEER[dialect]
    assert daemon.call("peer_connected", {"peer": peer}) == CONTINUE
    assert daemon.call("peer_connected", {"peer": {**peer, "addr": "5.6.7.8:9"}}) == {
        "result": "disconnect",
        "error_message": "no",
    }
    assert daemon.call("peer_connected", {"peer": {**peer, "addr": "6:1"}}) == {
        "result": "disconnect",
        "error_message": "disconnected",
    }
    said = {"2019": "None None 81", "2020": "None 80 None", "current": "in 80 None"}[dialect]
    assert said in daemon.log_text()


@pytest.mark.parametrize(
    ("answer", "current", "in_2019"),
    [
        ("CONTINUE", CONTINUE, CONTINUE),
        (
            "InvoicePaymentReject()",
            {"result": "reject"},
            {"result": "reject", "failure_code": 0x400F},
        ),
        (
            'InvoicePaymentFail(failure_message="2002")',
            {"failure_message": "2002"},
            {"failure_message": "2002", "failure_code": 0x2002},
        ),
        ("1/0", CONTINUE, CONTINUE),
    ],
)
def test_invoice_payment(plugin, dialect, answer, current, in_2019):
    daemon = plugin(
        f"""
        @plugin.hook("invoice_payment")
        def on_payment(event: InvoicePayment):
            assert event.payment.msat == 10_000, event
            return {answer}
        """,
        dialect=dialect,
    )
    daemon.start()
    msat = 10_000 if dialect == "current" else "10000msat"
    payment = {"label": "l", "preimage": "00" * 32, "msat": msat}
    answered = daemon.call("invoice_payment", {"payment": payment})
    assert answered == {"2019": in_2019}.get(dialect, current)


def test_htlc_accepted(plugin):
    daemon = plugin(
        """
        answers = iter([
            CONTINUE,
            HtlcContinue(payload="0000", invoice_msat=2**64 - 1),
            HtlcFail(failure_message="2002"),
            HtlcFailOnion(failure_onion="aa"),
            HtlcResolve(payment_key="00" * 32),
        ])

        @plugin.hook("htlc_accepted")
        def on_htlc(event: HtlcAccepted):
            assert event.htlc.amount_msat == 2**64 - 1
            return next(answers)
        """
    )
    daemon.start()
    htlc = {
        "short_channel_id": "103x1x0",
        "id": 0,
        "amount_msat": 2**64 - 1,
        "cltv_expiry": 110,
        "cltv_expiry_relative": 10,
        "payment_hash": "00" * 32,
        "a_field_of_tomorrow": [1],
    }
    onion = {"payload": "", "next_onion": "", "shared_secret": "", "type": "a type of tomorrow"}
    event = {"htlc": htlc, "onion": onion, "more": None}
    assert [daemon.call("htlc_accepted", event) for _ in range(5)] == [
        CONTINUE,
        {"result": "continue", "payload": "0000", "invoice_msat": 2**64 - 1},
        {"result": "fail", "failure_message": "2002"},
        {"result": "fail", "failure_onion": "aa"},
        {"result": "resolve", "payment_key": "00" * 32},
    ]
    assert daemon.logs == []


def test_hooks_take_and_answer_dicts(plugin):
    daemon = plugin(
        """
        @plugin.hook("rpc_command", before=["a.py"], after=["b.py"], filters=["pay"])
        def on_command(event: dict, request: Request):
            assert request.method == "rpc_command"
            if event["rpc_command"]["method"] == "pay":
                return {"return": {"error": {"code": -1, "message": "no"}}}
            return CONTINUE

        @plugin.hook("a_hook_of_tomorrow", unknown=True)
        def tomorrow(event):
            return msgspec.Raw(b'{"result": "whatever"}')
        """
    )
    first, second = daemon.start()["hooks"]
    assert first == {
        "name": "rpc_command",
        "before": ["a.py"],
        "after": ["b.py"],
        "filters": ["pay"],
    }
    assert second == {"name": "a_hook_of_tomorrow"}
    command = {"id": 1, "method": "pay", "params": []}
    refused = {"return": {"error": {"code": -1, "message": "no"}}}
    assert daemon.call("rpc_command", {"rpc_command": command}) == refused
    assert daemon.call("rpc_command", {"rpc_command": {**command, "method": "x"}}) == CONTINUE
    assert daemon.call("a_hook_of_tomorrow", [1]) == {"result": "whatever"}


def test_a_struct_of_ones_own(plugin):
    daemon = plugin(
        """
        class Version(msgspec.Struct):
            data_version: int

        @plugin.hook("db_write")
        def on_write(event: Version):
            return CONTINUE if event.data_version == 7 else Refuse("?")
        """
    )
    daemon.getmanifest()
    assert daemon.call("db_write", WRITE["current"]) == CONTINUE


def test_exactly_one_answer_for_each_of_many(plugin):
    daemon = plugin(
        """
        @plugin.hook("db_write")
        def on_write(event: DbWrite):
            if event.data_version % 3 == 0:
                raise RuntimeError("third")
            return CONTINUE
        """
    )
    daemon.getmanifest()
    for n in range(300):
        event = json.dumps({"data_version": n, "writes": []})
        daemon.write(f'{{"id":"a/cln:db_write#{n}","method":"db_write","params":{event}}}')
    replies = [daemon.reply() for _ in range(300)]
    assert [reply["id"] for reply in replies] == [f"a/cln:db_write#{n}" for n in range(300)]
    assert ["error" in reply for reply in replies] == [n % 3 == 0 for n in range(300)]
    assert daemon.hang_up() == 0
    assert json.dumps(daemon.notifications) == "[]"


def test_an_event_that_is_taken_for_a_dict_says_what_to_do(plugin):
    daemon = plugin(
        """
        @plugin.hook("peer_connected")
        def on_peer(event):
            return PeerDisconnect() if event["peer"] else CONTINUE
        """
    )
    daemon.start()
    assert daemon.call("peer_connected", {"peer": PEER["current"]}) == CONTINUE
    assert "write event.peer, or annotate the handler's parameter as dict" in daemon.log_text()
