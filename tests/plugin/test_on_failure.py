"""What goes back for a handler that failed, where its author has a say in it."""

from __future__ import annotations

import json

import pytest

from clnwire import Plugin, UsageError
from clnwire.hooks import (
    CONTINUE,
    HtlcFail,
    HtlcResolve,
    PeerDisconnect,
    Refuse,
    RpcCommandReturn,
)
from clnwire.host.rules.samples import hook_sample

GOING_ON = {"result": "continue"}
RETURNED = {"return": {"error": {"code": 7, "message": "closed"}}}


@pytest.mark.promise(
    "a handler raises, returns an invalid answer or none, or its event cannot be decoded",
    "`on_failure`, or the hook's [safe answer](plugin.md#when-a-handler-fails); the log has "
    "an error with the traceback",
)
@pytest.mark.parametrize(
    ("hook", "on_failure", "answer"),
    [
        ("htlc_accepted", '"refuse"', {"result": "fail", "failure_message": "2002"}),
        (
            "htlc_accepted",
            'HtlcFail(failure_message="400f")',
            {"result": "fail", "failure_message": "400f"},
        ),
        ("htlc_accepted", "{'result': 'continue'}", GOING_ON),
        ("invoice_payment", '"refuse"', {"result": "reject"}),
        (
            "peer_connected",
            '"refuse"',
            {"result": "disconnect", "error_message": "disconnected"},
        ),
        ("rpc_command", "CONTINUE", GOING_ON),
        ("rpc_command", 'RpcCommandReturn.error(7, "closed")', RETURNED),
        ("openchannel", "CONTINUE", GOING_ON),
        ("openchannel", '"refuse"', {"result": "reject", "error_message": "internal error"}),
        ("db_write", "CONTINUE", GOING_ON),
        ("custommsg", "CONTINUE", GOING_ON),
        ("tomorrows", "{'result': 'no'}", {"result": "no"}),
    ],
)
def test_all_ways_to_fail_give_it(plugin, hook, on_failure, answer):
    daemon = plugin(
        f"""
        failures = iter(["raises", "forgets", "answers nonsense"])

        @plugin.hook("{hook}", on_failure={on_failure}, unknown={hook == "tomorrows"})
        def on_event(event{": dict" if hook == "tomorrows" else ""}):
            failure = next(failures)
            if failure == "raises":
                raise ValueError("broken")
            return 7 if failure == "answers nonsense" else None
        """
    )
    daemon.getmanifest()
    event = {"anything": 1} if hook == "tomorrows" else hook_sample(hook)
    for _ in range(3):
        assert daemon.call(hook, event) == answer
    assert daemon.call(hook, "cannot be decoded") == answer
    assert daemon.log_text().count(f"error {hook}: ") == 4


def test_a_cancelled_handler_gives_it(plugin):
    daemon = plugin(
        """
        import asyncio

        plugin = Plugin(shutdown_seconds=1)

        @plugin.hook("htlc_accepted", on_failure="refuse")
        async def on_htlc(event):
            plugin.log("holding")
            await asyncio.sleep(100)
        """
    )
    daemon.start()
    htlc = '{"id":9,"method":"htlc_accepted","params":{"onion":{},"htlc":{}}}'
    daemon.write(htlc)
    # This one is not an event at all: it fails at once.
    assert daemon.reply()["result"] == {"result": "fail", "failure_message": "2002"}
    daemon.write(
        json.dumps({"id": 10, "method": "htlc_accepted", "params": hook_sample("htlc_accepted")})
    )
    while daemon.receive()["params"]["message"] != "holding":
        pass
    assert daemon.process.stdin is not None
    daemon.process.stdin.close()
    assert daemon.reply()["result"] == {"result": "fail", "failure_message": "2002"}


def test_refusing_on_purpose_stays_refusing(plugin):
    daemon = plugin(
        """
        @plugin.hook("db_write", on_failure=CONTINUE)
        def on_write(event: DbWrite):
            return Refuse("disk full")

        """
    )
    daemon.getmanifest()
    reply = daemon.request("db_write", hook_sample("db_write"))
    assert reply["error"]["message"] == "db_write: refused: disk full"


def test_going_on_is_spelled_as_the_daemon_of_2019_wants_it(plugin):
    daemon = plugin(
        """
        @plugin.hook("db_write", on_failure=CONTINUE)
        def on_write(event: DbWrite):
            raise ValueError
        """,
        dialect="2019",
    )
    daemon.getmanifest()
    assert daemon.call("db_write", {"writes": []}) is True


def test_refuse_as_the_answer_stops_the_daemon_with_its_reason(plugin):
    daemon = plugin(
        """
        @plugin.hook("db_write", on_failure=Refuse("no replica"))
        def on_write(event: DbWrite):
            raise ValueError
        """
    )
    daemon.getmanifest()
    assert daemon.request("db_write", hook_sample("db_write"))["error"]["message"] == "no replica"


@pytest.mark.parametrize(
    ("hook", "on_failure", "said"),
    [
        ("htlc_accepted", PeerDisconnect(), "use one of Continue, HtlcContinue"),
        ("htlc_accepted", "fail", "'fail' is not permitted"),
        ("htlc_accepted", {"result": "maybe"}, "permitted answers:"),
        ("htlc_accepted", Refuse("x"), "is not permitted; use one of"),
        ("custommsg", "refuse", "has no answer that refuses"),
        ("tomorrows", "refuse", "has no answer that refuses"),
        ("openchannel2_sign", CONTINUE, "the proposed transaction is kept"),
        ("peer_connected", HtlcFail, "<class"),
    ],
)
def test_what_is_no_answer_is_refused_at_registration(hook, on_failure, said):
    plugin = Plugin()
    with pytest.raises(UsageError) as error:
        unknown = hook == "tomorrows"
        plugin.hook(hook, on_failure=on_failure, unknown=unknown)(lambda event: CONTINUE)
    assert said in str(error.value)


def test_answers_of_the_hook_are_fine():
    plugin = Plugin()
    resolve = HtlcResolve(payment_key="00" * 32)
    plugin.hook("htlc_accepted", on_failure=resolve)(lambda event: CONTINUE)
    returned = RpcCommandReturn.result({"a": 1})
    plugin.hook("rpc_command", on_failure=returned)(lambda event: CONTINUE)
    assert set(plugin.hooks) == {"htlc_accepted", "rpc_command"}
