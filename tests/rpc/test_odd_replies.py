"""What other plugins and callers put into replies: JSON that msgspec refuses, and none at all."""

from __future__ import annotations

import msgspec
import pytest

from clnwire import ConnectionLostError, ReplyError, RpcError
from clnwire.commands.listinvoices import ListinvoicesReply
from tests.rpc.raw import answering

INVOICE = (
    '{"label":%s,"payment_hash":"' + "00" * 32 + '","status":"unpaid","expires_at":1,'
    '"description":"d","created_index":1,"bolt11":"lnbcrt1"}'
)


@pytest.fixture(params=["blocking", "awaitable"])
def form(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.promise(
    "the daemon's reply has half of an emoji, or bytes that are not JSON",
    "the rest of the reply is decoded, or the call alone raises",
)
def test_one_label_with_half_an_emoji_hides_no_invoice(form):
    labels = ('"tip \\ud83d"', '"whole"')
    invoices = ",".join(INVOICE % label for label in labels)
    text = f'"result":{{"invoices":[{invoices}]}}'
    reply = answering(form, text, lambda rpc: rpc.listinvoices())
    assert isinstance(reply, ListinvoicesReply)
    assert [invoice.label for invoice in reply.invoices] == ["tip \ud83d", "whole"]
    untyped = answering(form, text, lambda rpc: rpc.call("listinvoices"))
    assert [invoice["label"] for invoice in untyped["invoices"]] == ["tip \ud83d", "whole"]


def test_it_can_be_named_in_a_call(form):
    sent: list[bytes] = []
    result = '"result":{"ok":true}'
    answering(form, result, lambda rpc: rpc.call("delinvoice", {"label": "tip \ud83d"}), sent)
    assert b'"params":{"label":"tip \\ud83d"}' in sent[0]


@pytest.mark.parametrize(
    "act",
    [
        lambda rpc: rpc.call("x", {"a": float("nan")}),
        lambda rpc: rpc.call("x", [b"00"]),
        lambda rpc: rpc.setchannel("all", feebase=float("inf")),
    ],
)
def test_what_is_no_json_is_not_sent(form, act):
    sent: list[bytes] = []
    with pytest.raises(
        (TypeError, ValueError), match=r"not a JSON number|bytes cannot be sent as JSON"
    ):
        answering(form, '"result":{}', act, sent)
    assert sent == []


@pytest.mark.parametrize(
    ("error", "code", "message", "data"),
    [
        ('"text"', 0, "text", "text"),
        ("[1]", 0, "[1]", [1]),
        ('{"code":"x","message":"m"}', 0, "m", {"code": "x", "message": "m"}),
        ('{"code":-1.0,"message":"m"}', -1, "m", None),
        ('{"code":-1,"message":"m","data":{"a":1e999}}', -1, "m", {"a": float("inf")}),
        ('{"code":-1,"message":"\\ud83d"}', -1, "\ud83d", None),
        ('{"code":-1,"message":[1]}', -1, "[1]", None),
        ("{}", 0, "", {}),
        ('{"code":1e999}', 0, "", {"code": float("inf")}),
        ('{"code":true,"message":"m"}', 0, "m", {"code": True, "message": "m"}),
    ],
)
def test_an_error_of_any_form_is_an_rpc_error(form, error, code, message, data):
    with pytest.raises(RpcError) as raised:
        answering(form, f'"error":{error}', lambda rpc: rpc.call("x"))
    assert (raised.value.code, raised.value.message, raised.value.data) == (code, message, data)


@pytest.mark.promise("the daemon's reply has half of an emoji, or bytes that are not JSON")
@pytest.mark.parametrize("result", ["nan", "[1,]", "{'a':1}", "0x10"])
def test_a_result_that_is_no_json_is_a_reply_error(form, result):
    with pytest.raises(ReplyError, match=r"x#\d+\": the reply is not JSON: .* been carried"):
        answering(form, f'"result":{result}', lambda rpc: rpc.call("x"))


def test_a_raw_tab_in_a_string_fails_no_reply(form):
    listed = '{"invoices":[{"label":"a\tb"},{"label":"c\nd"}]}'
    result = answering(form, f'"result":{listed}', lambda rpc: rpc.call("x"))
    assert result == {"invoices": [{"label": "a\tb"}, {"label": "c\nd"}]}
    for broken in ('["a\tb",nan]', '["a\tb",NaN]', '["a\tb",]'):
        with pytest.raises(ReplyError):
            answering(form, f'"result":{broken}', lambda rpc: rpc.call("x"))


def test_another_program_at_the_socket_is_no_daemon(form):
    with pytest.raises(ConnectionLostError):
        answering(form, None, lambda rpc: rpc.call("x"))


def test_what_does_not_fit_says_how_to_get_it(form):
    with pytest.raises(ReplyError, match=r"rpc.call\('getinfo', ...\) without a type accepts any"):
        answering(form, '"result":{"id":1e999}', lambda rpc: rpc.getinfo())
    result = answering(form, '"result":{"id":1e999}', lambda rpc: rpc.call("getinfo"))
    assert result == {"id": float("inf")}
    # From Python 3.12 on, msgspec decodes thousands of levels.
    deep = "[" * 200_000 + "]" * 200_000
    nested = answering(form, f'"result":{{"a":{deep}}}', lambda rpc: rpc.call("x"))
    while not isinstance(nested, msgspec.Raw):
        (nested,) = nested.values() if isinstance(nested, dict) else nested
    assert bytes(nested).startswith(b"[[[[")
