"""Every command of `clnwire.commands`, called typed by name and by position."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from msgspec.structs import fields

from clnwire import RpcError
from clnwire.commands._command import Command
from clnwire.host.empty_node import command_names
from clnwire.rpc import connect
from tests.node.node import PATIENCE, Node, RealNode, script, until

EXCLUDED: Final = {
    "stop": "ends the node",
    "graceful": "ends the node",
    "recover": "ends the node and starts it with another secret",
    "emergencyrecover": "needs a backup of channels",
    "reckless": "installs plugins from the network, with a program beside lightningd",
    "upgradewallet": "needs a wallet of an old release",
    "renepay": "does not come back where there is no route",
    "clnrest-register-path": "is of a plugin in Rust, which a build may lack",
    "currencyconvert": "asks servers on the internet, and is of a plugin in Rust",
    "currencyrate": "the same",
    "listcurrencyrates": "the same",
    "fetchbip353": "the same",
}
"""Commands that are not called, and why."""

REFUSED: Final = {
    "addgossip": -1,
    "bkpr-inspect": -3,
    "cancelrecurringinvoice": -32602,
    "close": -32602,
    "commando": -32600,
    "connect": 401,
    "createinvoice": -32602,
    "createproof": -32602,
    "delforward": 1401,
    "delpay": 208,
    "dev-forget-channel": -32602,
    "dev-splice": -32602,
    "disconnect": -32602,
    "exposesecret": -1,
    "fundchannel": 400,
    "fundchannel_cancel": 306,
    "fundchannel_complete": 306,
    "fundchannel_start": 306,
    "getroute": -32602,
    "getroutes": 205,
    "injectonionmessage": -1,
    "injectpaymentonion": -32602,
    "keysend": 210,
    "multifundchannel": 400,
    "openchannel_abort": 311,
    "openchannel_bump": 311,
    "openchannel_init": 306,
    "openchannel_signed": 311,
    "openchannel_update": 311,
    "ping": -1,
    "reserveinputs": -32602,
    "sendcustommsg": -32600,
    "sendinvoice": -32602,
    "sendonion": -32602,
    "sendpay": 204,
    "sendpsbt": -1,
    "splice_init": 352,
    "splice_signed": 356,
    "splice_update": 352,
    "splicein": -32602,
    "spliceout": -32602,
    "waitinvoice": -1,
    "waitsendpay": 208,
    "xkeysend": 205,
    "xpay": 219,
}
"""What a node without peers refuses, and with which code."""

REFUSED_BY_THE_HOST: Final = {"setconfig": -32602}
"""It has none of lightningd's own options."""

PLUGIN: Final = "from clnwire import Plugin\n\nPlugin().run()\n"
ZEROS: Final = "00" * 32
OTHER: Final = "02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
SCID: Final = "1x1x1"


class Made(NamedTuple):
    """What commands are given that has to be there."""

    node: str
    invoice: str
    without_amount: str
    offer: dict[str, str]
    request: str
    rune: str
    psbt: str
    prepared: list[dict[str, str]]
    address: str
    output: str
    signature: str


STAND_INS: Final = Made(
    "02" * 33,
    "lnbcrt1",
    "lnbcrt1",
    {"bolt12": "lno1", "offer_id": ZEROS},
    ZEROS,
    "rune",
    "cHNi",
    [{"txid": ZEROS, "psbt": "cHNi"}] * 2,
    "bcrt1",
    f"{ZEROS}:0",
    "z",
)
"""For a node that looks at nothing that it is given."""


def make(node: Node) -> Made:
    """Mines, and makes what `arguments` names."""
    for _ in range(14):
        node.call("regtest-mine", [1, node.call("newaddr")["p2tr"]])
    height = node.call("regtest-mine", [105])["height"]
    until(lambda: node.call("getinfo")["blockheight"] == height)
    until(lambda: len(node.call("listfunds")["outputs"]) == 14)
    node.call("askrene-create-layer", ["l"])
    for label in ("gone", "paid"):
        node.call("invoice", {"amount_msat": 1000, "label": label, "description": "d"})
    any_amount = {"amount_msat": "any", "label": "any", "description": "d"}
    address = node.call("newaddr", {"addresstype": "bech32"})["bech32"]
    funded = {"satoshi": 10_000, "feerate": "normal", "startweight": 400}
    outputs = {"outputs": [{address: 20_000}]}
    psbt = node.call("fundpsbt", funded)["psbt"]
    prepared = [node.call("txprepare", outputs) for _ in range(2)]
    (output, *_) = [o for o in node.call("listfunds")["outputs"] if not o["reserved"]]
    return Made(
        node.call("getinfo")["id"],
        node.call("listinvoices", {"label": "paid"})["invoices"][0]["bolt11"],
        node.call("invoice", any_amount)["bolt11"],
        node.call("offer", {"amount": "any", "description": "d", "label": "o"}),
        node.call("invoicerequest", {"amount": 1000, "description": "r"})["invreq_id"],
        node.call("createrune")["rune"],
        psbt,
        prepared,
        address,
        f"{output['txid']}:{output['output']}",
        node.call("signmessage", ["m"])["zbase"],
    )


def arguments(made: Made) -> dict[str, dict[str, Any]]:
    """What each command that needs some is given; all others are called without."""
    layer = {"layer": "l"}
    towards = {"short_channel_id_dir": f"{SCID}/0"}
    path = [{**towards, "amount_msat": 1000}]
    return {
        "addgossip": {"message": "0102"},
        "addpsbtoutput": {"satoshi": 10_000},
        "askrene-age": {**layer, "cutoff": 1},
        "askrene-bias-channel": {**layer, **towards, "bias": 1},
        "askrene-bias-node": {**layer, "node": OTHER, "direction": "in", "bias": 1},
        "askrene-create-channel": {
            **layer,
            "source": made.node,
            "destination": OTHER,
            "short_channel_id": SCID,
            "capacity_msat": 1_000_000,
        },
        "askrene-create-layer": {"layer": "m"},
        "askrene-disable-node": {**layer, "node": OTHER},
        "askrene-inform-channel": {
            **layer,
            **towards,
            "amount_msat": 1000,
            "inform": "constrained",
        },
        "askrene-remove-channel-update": {**layer, **towards},
        "askrene-remove-layer": {"layer": "m"},
        "askrene-reserve": {"path": path},
        "askrene-unreserve": {"path": path},
        "askrene-update-channel": {**layer, **towards, "enabled": True},
        "autoclean-once": {"subsystem": "expiredinvoices", "age": 1},
        "batching": {"enable": True},
        "bkpr-dumpincomecsv": {"csv_format": "koinly"},
        "bkpr-editdescriptionbyoutpoint": {"outpoint": f"{ZEROS}:0", "description": "d"},
        "bkpr-editdescriptionbypaymentid": {"payment_id": ZEROS, "description": "d"},
        "bkpr-inspect": {"account": "wallet"},
        "bkpr-report": {"format": "{tag}"},
        "cancelrecurringinvoice": {
            "offer": made.offer["bolt12"],
            "recurrence_counter": 1,
            "recurrence_label": "r",
        },
        "check": {"command_to_check": "getinfo"},
        "checkmessage": {"message": "m", "zbase": made.signature, "pubkey": made.node},
        "checkrune": {"rune": made.rune},
        "clnrest-register-path": {"path": "p", "rpc_method": "getinfo"},
        "close": {"id": OTHER},
        "commando": {"peer_id": OTHER, "method": "getinfo"},
        "connect": {"id": OTHER, "host": "127.0.0.1", "port": 1},
        "createinvoice": {"invstring": made.invoice, "label": "c", "preimage": ZEROS},
        "createonion": {"hops": [{"pubkey": OTHER, "payload": "00"}], "assocdata": ZEROS},
        "createproof": {"invstring": made.invoice},
        "currencyconvert": {"amount": 1, "currency": "USD"},
        "currencyrate": {"currency": "USD"},
        "datastore": {"key": ["k"], "string": "s", "mode": "create-or-replace"},
        "decode": {"string": made.invoice},
        "deldatastore": {"key": ["k"]},
        "delforward": {"in_channel": SCID, "in_htlc_id": 1, "status": "settled"},
        "delinvoice": {"label": "gone", "status": "unpaid"},
        "delnetworkevent": {"created_index": 1},
        "delpay": {"payment_hash": ZEROS, "status": "failed"},
        "deprecations": {"enable": True},
        "dev-splice": {"script_or_json": "wallet -> 10000"},
        "dev-forget-channel": {"id": OTHER},
        "disableinvoicerequest": {"invreq_id": made.request},
        "disableoffer": {"offer_id": made.offer["offer_id"]},
        "disconnect": {"id": OTHER},
        "enableoffer": {"offer_id": made.offer["offer_id"]},
        "exposesecret": {"passphrase": "p"},
        "feerates": {"style": "perkw"},
        "fetchbip353": {"address": "a@example.invalid"},
        "fetchinvoice": {"offer": made.offer["bolt12"], "amount_msat": 1000, "timeout": 1},
        "fundchannel": {"id": OTHER, "amount": 100_000},
        "fundchannel_cancel": {"id": OTHER},
        "fundchannel_complete": {"id": OTHER, "psbt": made.psbt},
        "fundchannel_start": {"id": OTHER, "amount": 100_000},
        "fundpsbt": {"satoshi": 10_000, "feerate": "normal", "startweight": 400},
        "getroute": {"id": OTHER, "amount_msat": 1000, "riskfactor": 1},
        "getroutes": {
            "source": made.node,
            "destination": OTHER,
            "amount_msat": 1000,
            "layers": [],
            "maxfee_msat": 100,
            "final_cltv": 10,
        },
        "injectonionmessage": {"path_key": OTHER, "message": "00" * 1366},
        "injectpaymentonion": {
            "onion": "00" * 1366,
            "payment_hash": ZEROS,
            "amount_msat": 1000,
            "cltv_expiry": 500,
            "partid": 1,
            "groupid": 1,
        },
        "invoice": {"amount_msat": 1000, "label": "b", "description": "d"},
        "invoicerequest": {"amount": 1000, "description": "d"},
        "keysend": {"destination": OTHER, "amount_msat": 1000, "retry_for": 1},
        "listcurrencyrates": {"currency": "USD"},
        "makesecret": {"string": "s"},
        "multifundchannel": {"destinations": [{"id": OTHER, "amount": 100_000}]},
        "multiwithdraw": {"outputs": [{made.address: 10_000}]},
        "notifications": {"enable": True},
        "offer": {"amount": 1000, "description": "d"},
        "openchannel_abort": {"channel_id": ZEROS},
        "openchannel_bump": {"channel_id": ZEROS, "amount": 1000, "initialpsbt": made.psbt},
        "openchannel_init": {"id": OTHER, "amount": 1000, "initialpsbt": made.psbt},
        "openchannel_signed": {"channel_id": ZEROS, "signed_psbt": made.psbt},
        "openchannel_update": {"channel_id": ZEROS, "psbt": made.psbt},
        "parsefeerate": {"feerate": "normal"},
        "pay": {"bolt11": made.invoice, "retry_for": 1},
        "ping": {"id": OTHER},
        "plugin": {"subcommand": "list"},
        "preapproveinvoice": {"bolt11": made.invoice},
        "preapprovekeysend": {"destination": OTHER, "payment_hash": ZEROS, "amount_msat": 1000},
        "recoverchannel": {"scb": []},
        "reserveinputs": {"psbt": made.psbt},
        "sendamount": {"invstring": made.without_amount, "amount_msat": 1000, "retry_for": 1},
        "sendcustommsg": {"node_id": OTHER, "msg": "77770102"},
        "sendinvoice": {"invreq": made.offer["bolt12"], "label": "s", "timeout": 1},
        "sendonion": {
            "onion": "00" * 1366,
            "first_hop": {"id": OTHER, "amount_msat": 1000, "delay": 10},
            "payment_hash": ZEROS,
        },
        "sendpay": {
            "route": [{"id": OTHER, "channel": SCID, "amount_msat": 1000, "delay": 10}],
            "payment_hash": ZEROS,
        },
        "sendpsbt": {"psbt": made.psbt},
        "setchannel": {"id": "all", "feebase": 1},
        "setconfig": {"config": "min-capacity-sat", "val": 10_000},
        "setpsbtversion": {"psbt": made.psbt, "version": 0},
        "signinvoice": {"invstring": made.invoice},
        "signmessage": {"message": "m"},
        "signmessagewithkey": {"message": "m", "address": made.address},
        "signpsbt": {"psbt": made.prepared[0]["psbt"]},
        "splice_init": {"channel_id": ZEROS, "relative_amount": 1000},
        "splice_signed": {"psbt": made.psbt},
        "splice_update": {"channel_id": ZEROS, "psbt": made.psbt},
        "splicein": {"channel": ZEROS, "amount": "1000"},
        "spliceout": {"channel": ZEROS, "amount": "1000"},
        "sql": {"query": "SELECT 1, 'a', NULL"},
        "txdiscard": {"txid": made.prepared[0]["txid"]},
        "txprepare": {"outputs": [{made.address: 10_000}]},
        "txsend": {"txid": made.prepared[1]["txid"]},
        "unreserveinputs": {"psbt": made.psbt},
        "utxopsbt": {
            "satoshi": 10_000,
            "feerate": "normal",
            "startweight": 400,
            "utxos": [made.output],
            "reservedok": True,
        },
        "wait": {"subsystem": "invoices", "indexname": "created", "nextvalue": 0},
        "waitanyinvoice": {"timeout": 0},
        "waitblockheight": {"blockheight": 1},
        "waitinvoice": {"label": "nowhere"},
        "waitsendpay": {"payment_hash": ZEROS, "timeout": 1},
        "withdraw": {"destination": made.address, "satoshi": 10_000},
        "xkeysend": {"destination": OTHER, "amount_msat": 1000, "retry_for": 1},
        "xpay": {"invstring": made.invoice, "retry_for": 1},
    }


def refusal(call: Callable[..., object], *args: object, **named: object) -> int | None:
    """The code of the error, or `None`. What cannot be decoded raises."""
    try:
        call(*args, **named)
    except RpcError as error:
        return error.code
    return None


def by_position(command: Command, given: dict[str, Any]) -> list[Any]:
    """The params in the order of the daemon's documentation."""
    names = [field.name for field in fields(command.request)]
    last = max((names.index(name) for name in given), default=-1)
    return [given.get(name) for name in names[: last + 1]]


def refused(node: Node, given: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Calls each command by name and then by position; gives those that it refused the first time.

    The second time, what the command makes or removes may be there or gone.
    """
    codes: dict[str, int] = {}
    with connect(node.socket) as unlimited:
        rpc = unlimited.options(timeout=PATIENCE)
        for name in command_names():
            if name in EXCLUDED:
                continue
            attribute = name.replace("-", "_")
            command: Command = import_module(f"clnwire.commands.{attribute}").COMMAND
            params = given.get(name, {})
            code = refusal(getattr(rpc, attribute), **params)
            if code is not None:
                codes[name] = code
            refusal(rpc.call, name, by_position(command, params), type=command.reply)
    return codes


@pytest.mark.promise(
    "a command of a real node is called, by name or by position",
    "its result is the command's Struct, and a refusal is an `RpcError`",
)
def test_every_command_is_answered_typed(node: Node, folder: Path) -> None:
    node.start(plugins=(script(folder / "plugin.py", PLUGIN),))
    is_real = isinstance(node, RealNode)
    given = arguments(make(node) if is_real else STAND_INS)
    assert refused(node, given) == (REFUSED if is_real else REFUSED_BY_THE_HOST)
