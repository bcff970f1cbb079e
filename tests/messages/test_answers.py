"""Answers: what can be built is what the daemon takes, and nothing else can be built."""

from __future__ import annotations

import itertools
import json
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clnwire import hooks
from clnwire._core import Framer
from clnwire._wire.dialect import CURRENT, OF_2019
from clnwire.errors import InvalidAnswerError, UsageError
from clnwire.hooks import HtlcFail, InvoicePaymentFail
from clnwire.hooks._answers import answer_encoder
from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.hooks._spec import CONTINUE, Refuse
from clnwire.host.rules._samples import PSBT
from clnwire.host.rules.answers import AnswerError, judge

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
REQUEST = hooks.RpcRequest(id="a", method="getinfo", params={})
LEASE = {
    "lease_fee_base_msat": 2_000,
    "lease_fee_basis": 50,
    "funding_weight": 666,
    "channel_fee_max_base_msat": 100,
    "channel_fee_max_proportional_thousandths": 2,
}
# For each answer: its members, those that go together in one group.
GROUPS: dict[type, list[dict[str, Any]]] = {
    hooks.Continue: [],
    hooks.HtlcContinue: [
        {"payload": "0000"},
        {"forward_to": "ab" * 32},
        {"extra_tlvs": ""},
        {"invoice_msat": 2**64 - 1},
    ],
    hooks.InvoicePaymentReject: [],
    hooks.OnionMessageHandled: [],
    hooks.OpenChannelContinue: [{"close_to": ADDRESS}, {"mindepth": 0}, {"reserve": 10_000}],
    hooks.OpenChannelReject: [{"error_message": "no"}],
    hooks.OpenChannel2Continue: [
        {"close_to": ADDRESS},
        {"psbt": PSBT, "our_funding_msat": 1},
        LEASE,
    ],
    hooks.OpenChannel2Reject: [{"error_message": "no"}],
    hooks.PeerDisconnect: [{"error_message": ""}],
    hooks.RbfChannelContinue: [{"psbt": PSBT, "our_funding_msat": 1}],
    hooks.RbfChannelReject: [{"error_message": "no"}],
}
REQUIRED: dict[type, list[dict[str, Any]]] = {
    hooks.HtlcFail: [{"failure_message": "2002"}, {"failure_message": "400F0000"}],
    hooks.HtlcFailOnion: [{"failure_onion": "aa"}],
    hooks.HtlcResolve: [{"payment_key": "00" * 32}],
    hooks.InvoicePaymentFail: [{"failure_message": "2002"}],
    hooks.OpenChannel2ChangedContinue: [{"psbt": PSBT}],
    hooks.OpenChannel2SignContinue: [{"psbt": PSBT}],
    hooks.RpcCommandReplace: [{"replace": REQUEST}],
    hooks.RpcCommandReturn: [
        {"reply": hooks.RpcReply(result={"a": 1})},
        {"reply": hooks.RpcReply(error=hooks.RpcFailure(-1, "no"))},
    ],
}
DELIBERATE = {
    "a failure message goes without a result, which the daemon would read in its place": (
        hooks.InvoicePaymentFail,
        "result",
    ),
    "what a lease costs is not in the daemon's schema, but read by it": (
        hooks.OpenChannel2Continue,
        "lease",
    ),
}


def every(kind: type) -> list[Any]:
    """Every form of an answer: with each choice of its groups of members."""
    if kind in REQUIRED:
        return [kind(**members) for members in REQUIRED[kind]]
    groups = GROUPS[kind]
    return [
        kind(**{name: value for group in chosen for name, value in group.items()})
        for size in range(len(groups) + 1)
        for chosen in itertools.combinations(groups, size)
    ]


ANSWERS = [
    pytest.param(name, answer, id=f"{name}-{type(answer).__name__}-{number}")
    for name in sorted(HOOKS)
    for kind in hook_spec(name).answers
    if kind is not Refuse
    for number, answer in enumerate(every(kind))
]


def as_json_schema(schema: Any) -> Any:
    """The daemon's schemas use types of their own; this says them in JSON Schema's."""
    if isinstance(schema, list):
        return [as_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # Descriptions are lists of lines.
    texts = {key for key in ("description",) if not isinstance(schema.get(key), dict)}
    plain = {key: as_json_schema(value) for key, value in schema.items() if key not in texts}
    kind = plain.get("type")
    if kind in ("hex", "hash", "secret", "txid", "pubkey"):
        digits = {"hash": "{64}", "secret": "{64}", "txid": "{64}", "pubkey": "{66}"}
        plain |= {"type": "string", "pattern": f"^[0-9a-fA-F]{digits.get(kind, '*')}$"}
    elif kind in ("msat", "sat", "u8", "u16", "u32", "u64"):
        bits = 64 if kind in ("msat", "sat") else int(kind[1:])
        plain |= {"type": "integer", "minimum": 0, "maximum": 2**bits - 1}
    return plain


@pytest.mark.parametrize(("hook", "answer"), ANSWERS)
def test_an_answer_that_can_be_built_is_valid(shared, hook, answer):
    schema = json.loads((shared / "schemas" / "hook" / f"{hook}.json").read_text())["response"]
    encoded = json.loads(answer_encoder(hook_spec(hook), CURRENT, pytest.fail)(answer))
    for kind, part in DELIBERATE.values():
        if type(answer) is kind and part == "result":
            encoded["result"] = "reject"
        elif type(answer) is kind and part == "lease":
            encoded = {name: value for name, value in encoded.items() if name not in LEASE}
    jsonschema.validate(encoded, as_json_schema(schema))


@pytest.mark.parametrize(("hook", "answer"), ANSWERS)
def test_the_host_takes_every_answer(hook, answer):
    assert verdict(hook, answer_encoder(hook_spec(hook), CURRENT, pytest.fail)(answer)) is None


def verdict(hook: str, answer: bytes) -> str | None:
    """Why the daemon would end or remark at this answer; nothing if it takes it."""
    framer = Framer()
    framer.feed(b'{"jsonrpc":"2.0","id":1,"result":' + answer + b"}")
    try:
        return judge(hook, next(framer)).remark
    except AnswerError as error:
        return str(error)


@pytest.mark.parametrize(("hook", "answer"), ANSWERS)
def test_a_dict_of_the_same_form_is_taken_too(hook, answer):
    encode = answer_encoder(hook_spec(hook), CURRENT, pytest.fail)
    encoded = encode(answer)
    assert encode(json.loads(encoded)) == encoded
    # A newer daemon may read more.
    more = {**json.loads(encoded), "a_member_of_tomorrow": [1]}
    assert json.loads(encode(more)) == more


WRONG = [
    lambda: hooks.HtlcFail(failure_message=""),
    lambda: hooks.HtlcFail(failure_message="20"),
    lambda: hooks.HtlcFail(failure_message="20 2"),
    lambda: hooks.HtlcFail(failure_message="\uff12\uff10\uff10\uff12"),
    lambda: hooks.HtlcFail(failure_message="2002\n"),
    lambda: hooks.HtlcFail(failure_message=b"2002"),
    lambda: hooks.HtlcFail(failure_message=None),
    lambda: hooks.HtlcFailOnion(failure_onion=""),
    lambda: hooks.HtlcResolve(payment_key="00" * 31),
    lambda: hooks.HtlcResolve(payment_key="00" * 33),
    lambda: hooks.HtlcContinue(payload="00"),
    lambda: hooks.HtlcContinue(forward_to="103x1x0"),
    lambda: hooks.HtlcContinue(invoice_msat=-1),
    lambda: hooks.HtlcContinue(invoice_msat=2**64),
    lambda: hooks.HtlcContinue(invoice_msat=1.5),
    lambda: hooks.HtlcContinue(invoice_msat=True),
    lambda: hooks.HtlcContinue(invoice_msat="1000msat"),
    lambda: hooks.InvoicePaymentFail(failure_message="0000"),
    lambda: hooks.OpenChannelContinue(mindepth=2**32),
    lambda: hooks.OpenChannelContinue(close_to=b"bc1q"),
    lambda: hooks.OpenChannel2Continue(psbt=PSBT),
    lambda: hooks.OpenChannel2Continue(our_funding_msat=1),
    lambda: hooks.OpenChannel2Continue(psbt=PSBT, our_funding_msat=0),
    lambda: hooks.OpenChannel2Continue(lease_fee_basis=1),
    lambda: hooks.OpenChannel2Continue(**{**LEASE, "lease_fee_base_msat": 1}),
    lambda: hooks.OpenChannel2Continue(**{**LEASE, "funding_weight": 2**16}),
    lambda: hooks.RbfChannelContinue(psbt=PSBT),
    lambda: hooks.OpenChannel2ChangedContinue(psbt=None),
    lambda: hooks.PeerDisconnect(error_message=5),
    lambda: hooks.Refuse(reason=None),
    lambda: hooks.RpcCommandReplace({"method": "x"}),
    lambda: hooks.RpcCommandReturn({"result": {}}),
    lambda: hooks.RpcCommandReturn.result([1]),
    hooks.RpcReply,
    lambda: hooks.RpcReply(result={}, error=hooks.RpcFailure(1, "x")),
    lambda: msgspec.structs.replace(hooks.HtlcResolve(payment_key="00" * 32), payment_key="x"),
]


@pytest.mark.promise("an answer that would end the daemon")
@pytest.mark.parametrize("number", range(len(WRONG)))
def test_an_answer_with_a_wrong_member_cannot_be_built(number):
    with pytest.raises(InvalidAnswerError, match=r"^\w+: \w+ .*(must|together|there)"):
        WRONG[number]()


@pytest.mark.parametrize(
    "build",
    [
        hooks.HtlcFail,
        hooks.HtlcFailOnion,
        hooks.HtlcResolve,
        lambda: hooks.OpenChannelReject(close_to=ADDRESS),
        lambda: hooks.OpenChannel2Reject(psbt=PSBT),
        hooks.OpenChannel2ChangedContinue,
        lambda: hooks.HtlcContinue(failure_message="2002"),
    ],
)
def test_an_answer_has_all_of_its_members_and_no_other(build):
    with pytest.raises(TypeError, match="argument"):
        build()


def test_a_wrong_secret_is_not_shown():
    with pytest.raises(InvalidAnswerError) as failure:
        hooks.HtlcResolve(payment_key="5e" * 31 + "zz")
    assert "5e5e" not in str(failure.value)


def test_an_answer_cannot_be_changed_into_a_wrong_one():
    answer = hooks.HtlcFail(failure_message="2002")
    with pytest.raises(AttributeError):
        answer.failure_message = ""


FORMS = {
    ("htlc_accepted", '{"result":"fail"}'): "missing required",
    (
        "htlc_accepted",
        '{"result":"continue","failure_message":"2002"}',
    ): "must not be in this answer",
    ("htlc_accepted", '{"result":"resolve","payment_key":"00"}'): "32 bytes",
    ("openchannel", '{"result":"reject","close_to":"bc1q"}'): "close_to must not be in this answer",
    ("openchannel", '{"result":"continue","error_message":"no"}'): "must not be in this answer",
    ("openchannel2", '{"result":"continue","psbt":"x"}'): "our_funding_msat",
    ("openchannel2_changed", '{"result":"continue"}'): "psbt",
    ("rbf_channel", '{"result":"disconnect"}'): "permitted answers:",
    ("invoice_payment", '{"failure_message":"00"}'): "failure_message",
    ("rpc_command", '{"return":{"result":{},"error":{"code":1,"message":""}}}'): "not both",
    ("rpc_command", '{"replace":{"method":"x"}}'): "missing required",
    ("custommsg", '{"result":null}'): "permitted answers:",
    ("db_write", '{"result":"Continue"}'): "permitted answers:",
    ("db_write", '{"reason":"a dict cannot refuse"}'): "permitted answers:",
}


@pytest.mark.parametrize(("hook", "answer"), FORMS)
def test_a_dict_of_another_form_is_refused(hook, answer):
    with pytest.raises(UsageError, match=FORMS[hook, answer]):
        answer_encoder(hook_spec(hook), CURRENT, pytest.fail)(json.loads(answer))


@pytest.mark.promise(
    "an answer that would end the daemon",
    "cannot be built, and a dict of that form is refused",
)
@pytest.mark.parametrize("hook", sorted(HOOKS))
@settings(max_examples=40)
@given(
    result=st.sampled_from(
        ["continue", "fail", "resolve", "reject", "disconnect", "handled", "x", None]
    ),
    members=st.dictionaries(
        st.sampled_from(
            [
                *sorted({name for groups in GROUPS.values() for group in groups for name in group}),
                *("failure_message", "failure_onion", "payment_key", "return", "replace"),
            ]
        ),
        st.sampled_from(
            ["", "00", "2002", "00" * 32, PSBT, 0, 1, 1000, -1, None, {}, {"result": {}}]
        ),
    ),
)
def test_what_is_taken_never_ends_the_daemon(hook, result, members):
    answer = members if result is None else {"result": result, **members}
    try:
        encoded = answer_encoder(hook_spec(hook), CURRENT, [].append)(answer)
    except UsageError:
        return
    assert verdict(hook, encoded) is None


@pytest.mark.parametrize("hook", sorted(HOOKS))
def test_a_continue_is_the_same_for_all_daemons(hook):
    encode = answer_encoder(hook_spec(hook), OF_2019, pytest.fail)
    if hook_spec(hook).continues:
        assert encode(CONTINUE) == b'{"result":"continue"}'
        assert encode({"result": "continue"}) == b'{"result":"continue"}'


@pytest.mark.parametrize(
    ("answer", "today", "in_2019"),
    [
        ({}, {"result": "continue"}, {"result": "continue"}),
        (
            {"failure_code": 0x400F},
            {"result": "reject"},
            {"result": "reject", "failure_code": 0x400F},
        ),
        (
            {"failure_code": 0x2002},
            {"failure_message": "2002"},
            {"failure_message": "2002", "failure_code": 0x2002},
        ),
    ],
)
def test_the_documents_own_answers_to_invoice_payment(answer, today, in_2019):
    spec = hook_spec("invoice_payment")
    assert json.loads(answer_encoder(spec, CURRENT, pytest.fail)(answer)) == today
    assert json.loads(answer_encoder(spec, OF_2019, pytest.fail)(answer)) == in_2019


@pytest.mark.parametrize("code", [0, -1, 1 << 16, True, "400f"])
def test_a_failure_code_that_is_none(code):
    with pytest.raises(UsageError):
        answer_encoder(hook_spec("invoice_payment"), CURRENT, pytest.fail)({"failure_code": code})


@pytest.mark.parametrize(
    ("hook", "answer", "code"),
    [
        ("invoice_payment", InvoicePaymentFail("1007aa"), 0x400F),
        ("invoice_payment", {"failure_code": 0x8000}, 0x400F),
        ("htlc_accepted", HtlcFail("1007aa"), 0x2002),
    ],
)
def test_a_code_that_an_old_daemon_cannot_make_is_replaced(hook, answer, code):
    warnings = []
    old = answer_encoder(hook_spec(hook), OF_2019, warnings.append)
    said = json.loads(old(answer))
    today = json.loads(answer_encoder(hook_spec(hook), CURRENT, pytest.fail)(answer))
    assert said == {**today, "failure_code": code}
    (warning,) = warnings
    assert f"sends {code:04x} instead" in warning


def test_true_is_the_documents_answer_to_db_write():
    encode = answer_encoder(hook_spec("db_write"), CURRENT, pytest.fail)
    assert encode(True) == b'{"result":"continue"}'
    with pytest.raises(UsageError):
        encode(False)


@pytest.mark.parametrize(
    ("hook", "answer", "near"),
    [
        ("openchannel", {"result": "reject", "error": "no"}, "error_message"),
        (
            "peer_connected",
            {"result": "disconnect", "eror_message": "no", "error_message": "disconnected"},
            "error_message",
        ),
        ("openchannel", {"result": "reject", "a_member_of_tomorrow": 1}, None),
    ],
)
def test_a_misspelt_member_is_remarked_once(hook, answer, near):
    said: list[str] = []
    encode = answer_encoder(hook_spec(hook), CURRENT, said.append)
    assert json.loads(encode(answer)) == json.loads(encode(answer)) == answer
    name = [*answer][1]
    remark = f"hook '{hook}': '{name}' is not a member of this answer; did you mean '{near}'?"
    assert said == ([] if near is None else [remark])


def test_a_refused_dict_is_told_the_forms_of_answers():
    encode = answer_encoder(hook_spec("htlc_accepted"), CURRENT, pytest.fail)
    with pytest.raises(UsageError) as error:
        encode({"result": "reject"})
    assert str(error.value) == (
        "the handler answered with result 'reject'; permitted answers: "
        '{"result": "continue"}, {"result": "fail", "failure_message": …}, '
        '{"result": "fail", "failure_onion": …}, {"result": "resolve", "payment_key": …}'
    )
