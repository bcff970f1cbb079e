"""A plausible event for each hook and each native topic, to try a plugin without a node.

The values are consistent: `PREIMAGE` hashes to `PAYMENT_HASH`, and all events name the same peer.
None of the values was ever used on a network.
"""

from __future__ import annotations

import copy
from typing import Any, Final, TypeAlias

from clnwire._wire.nearest import did_you_mean
from clnwire.host.directory import NODE_ID
from clnwire.host.rules.dialect import dialect_named

Event: TypeAlias = dict[str, Any]

# 2G and 3G of secp256k1: valid public keys, whose private keys (2 and 3) are public knowledge.
PEER: Final = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
OTHER: Final = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
PREIMAGE: Final = "11" * 32
PAYMENT_HASH: Final = "02d449a31fbb267c8f352e9968a79e3e5fc95c1bbeaa502fd6454ebde5a4bedc"
CHANNEL: Final = "c0" * 32
TXID: Final = "ab" * 32
SECRET: Final = "5e" * 32
PSBT: Final = "cHNidP8BAAoCAAAAAAAAAAAAAA=="
"""A PSBT without inputs and outputs."""
FEATURES: Final = "08a0882a8a59a1"
SCID: Final = "103x1x0"
SCID_OUT: Final = "104x2x1"
SECONDS: Final = 1_767_225_600
TIME: Final = "2026-01-01T00:00:00.000Z"
CHANNEL_TYPE: Final[Event] = {"bits": [12, 22], "names": ["static_remotekey/even", "anchors/even"]}

_ONION_MESSAGE: Final[Event] = {
    "reply_blindedpath": {
        "first_node_id": PEER,
        "first_path_key": OTHER,
        "hops": [{"blinded_node_id": OTHER, "encrypted_recipient_data": "c0ffee"}],
    },
    "invoice_request": "0a0b0c",
    "unknown_fields": [{"number": 1, "value": "2a"}],
}

_HOOKS: Final[dict[str, Event]] = {
    "commitment_revocation": {
        "commitment_txid": TXID,
        "penalty_tx": "02000000000100f2052a01000000",
        "channel_id": CHANNEL,
        "commitnum": 7,
    },
    # Type 32769 is in the custom range, and odd: a peer that does not know it ignores it.
    "custommsg": {"peer_id": PEER, "payload": "8001" + b"hello".hex()},
    "db_write": {
        "data_version": 1,
        "writes": ["UPDATE vars SET intval = 1 WHERE name = 'data_version'"],
    },
    "htlc_accepted": {
        "peer_id": PEER,
        "onion": {
            "payload": f"2b020203e80401680822{SECRET}03e8",
            "type": "tlv",
            "forward_msat": 1000,
            "outgoing_cltv_value": 104,
            "total_msat": 1000,
            "payment_secret": SECRET,
            "next_onion": "00" * 1366,
            "shared_secret": SECRET,
        },
        "htlc": {
            "short_channel_id": SCID,
            "id": 0,
            "amount_msat": 1000,
            "cltv_expiry": 118,
            "cltv_expiry_relative": 18,
            "payment_hash": PAYMENT_HASH,
        },
    },
    "invoice_payment": {"payment": {"label": "coffee", "preimage": PREIMAGE, "msat": 10_000}},
    "onion_message_recv": {"onion_message": _ONION_MESSAGE},
    "onion_message_recv_secret": {"onion_message": {"pathsecret": SECRET, **_ONION_MESSAGE}},
    "openchannel": {
        "openchannel": {
            "id": PEER,
            "funding_msat": 1_000_000_000,
            "push_msat": 0,
            "dust_limit_msat": 546_000,
            # The largest u64 means no limit.
            "max_htlc_value_in_flight_msat": 2**64 - 1,
            "channel_reserve_msat": 10_000_000,
            "htlc_minimum_msat": 0,
            "feerate_per_kw": 7500,
            "to_self_delay": 144,
            "max_accepted_htlcs": 483,
            "channel_flags": 1,
            "channel_type": CHANNEL_TYPE,
        }
    },
    "openchannel2": {
        "openchannel2": {
            "id": PEER,
            "channel_id": CHANNEL,
            "their_funding_msat": 1_000_000_000,
            "dust_limit_msat": 546_000,
            "max_htlc_value_in_flight_msat": 2**64 - 1,
            "htlc_minimum_msat": 0,
            "funding_feerate_per_kw": 7500,
            "commitment_feerate_per_kw": 7500,
            "feerate_our_max": 10_000,
            "feerate_our_min": 253,
            "to_self_delay": 144,
            "max_accepted_htlcs": 483,
            "channel_flags": 1,
            "locktime": 0,
            "channel_max_msat": 16_777_215_000,
            "require_confirmed_inputs": False,
            "channel_type": CHANNEL_TYPE,
        }
    },
    "openchannel2_changed": {
        "openchannel2_changed": {
            "channel_id": CHANNEL,
            "psbt": PSBT,
            "require_confirmed_inputs": False,
        }
    },
    "openchannel2_sign": {"openchannel2_sign": {"channel_id": CHANNEL, "psbt": PSBT}},
    "peer_connected": {
        "peer": {"id": PEER, "direction": "in", "addr": "203.0.113.7:9735", "features": FEATURES}
    },
    "rbf_channel": {
        "rbf_channel": {
            "id": PEER,
            "channel_id": CHANNEL,
            "their_last_funding_msat": 1_000_000_000,
            "their_funding_msat": 1_000_000_000,
            "our_last_funding_msat": 0,
            "funding_feerate_per_kw": 11_000,
            "feerate_our_max": 15_000,
            "feerate_our_min": 253,
            "channel_max_msat": 16_777_215_000,
            "locktime": 0,
            "require_confirmed_inputs": False,
        }
    },
    # The text has the form of a codex32 secret, but its checksum is invalid.
    "recover": {
        "codex32": "cl10testsxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    },
    "rpc_command": {
        "rpc_command": {"jsonrpc": "2.0", "id": "cli:getinfo#1", "method": "getinfo", "params": {}}
    },
}

_PART: Final[Event] = {"payment_hash": PAYMENT_HASH, "groupid": 1, "partid": 1}
_PART_START: Final[Event] = {
    **_PART,
    "total_payment_msat": 10_000,
    "attempt_msat": 10_000,
    "hops": [
        {
            "next_node": PEER,
            "short_channel_id": SCID,
            "direction": 0,
            "channel_in_msat": 10_001,
            "channel_out_msat": 10_000,
        }
    ],
}
_PART_END: Final[Event] = {**_PART, "status": "success", "duration": 0.25}
_PLUGIN: Final[Event] = {
    "plugin_name": "other.py",
    "plugin_path": "/opt/plugins/other.py",
    "methods": ["other"],
}
_PAYMENT: Final[Event] = {
    "created_index": 1,
    "id": 1,
    "payment_hash": PAYMENT_HASH,
    "groupid": 1,
    "partid": 1,
    "destination": OTHER,
    "amount_msat": 10_000,
    "amount_sent_msat": 10_001,
    "created_at": SECONDS,
}
_LINE: Final[Event] = {"time": f"{SECONDS}.000000000", "timestamp": TIME, "source": "channeld"}

_TOPICS: Final[dict[str, Event]] = {
    "balance_snapshot": {
        "node_id": NODE_ID,
        "blockheight": 104,
        "timestamp": SECONDS,
        "accounts": [{"account_id": "wallet", "balance_msat": 2_000_000_000, "coin_type": "bcrt"}],
    },
    "block_added": {"hash": "b1" * 32, "height": 104},
    "channel_open_failed": {"channel_id": CHANNEL},
    "channel_opened": {
        "id": PEER,
        "funding_msat": 1_000_000_000,
        "funding_txid": TXID,
        "channel_ready": False,
    },
    "channel_state_changed": {
        "peer_id": PEER,
        "channel_id": CHANNEL,
        "short_channel_id": SCID,
        "timestamp": TIME,
        "old_state": "CHANNELD_AWAITING_LOCKIN",
        "new_state": "CHANNELD_NORMAL",
        "cause": "user",
        "message": "Lockin complete",
    },
    "coin_movement": {
        "version": 2,
        "coin_type": "bcrt",
        "node_id": NODE_ID,
        "type": "channel_mvt",
        "created_index": 1,
        "account_id": CHANNEL,
        "credit_msat": 10_000,
        "debit_msat": 0,
        "timestamp": SECONDS,
        "primary_tag": "invoice",
        "extra_tags": [],
        "payment_hash": PAYMENT_HASH,
        "part_id": 0,
        "group_id": 0,
        "fees_msat": 0,
    },
    "connect": {
        "id": PEER,
        "direction": "in",
        "address": {"type": "ipv4", "address": "203.0.113.7", "port": 9735},
    },
    "custommsg": _HOOKS["custommsg"],
    "deprecated_oneshot": {"deprecated_ok": True},
    "disconnect": {"id": PEER},
    "forward_event": {
        "payment_hash": PAYMENT_HASH,
        "in_channel": SCID,
        "out_channel": SCID_OUT,
        "in_msat": 10_001,
        "out_msat": 10_000,
        "fee_msat": 1,
        "status": "settled",
        "style": "tlv",
        "received_time": SECONDS + 0.25,
        "resolved_time": SECONDS + 1.5,
    },
    "invoice_creation": {"msat": 10_000, "preimage": PREIMAGE, "label": "coffee"},
    "invoice_payment": {"msat": 10_000, "preimage": PREIMAGE, "label": "coffee"},
    "log": {**_LINE, "level": "info", "log": "Peer connection lost"},
    "onionmessage_forward_fail": {"source": PEER, "incoming": "c0ffee", "path_key": OTHER},
    "openchannel_peer_sigs": {"channel_id": CHANNEL, "signed_psbt": PSBT},
    # A built-in plugin publishes these two topics and wraps the payload itself.
    "pay_part_end": {"pay_part_end": _PART_END},
    "pay_part_start": {"pay_part_start": _PART_START},
    "plugin_started": _PLUGIN,
    "plugin_stopped": _PLUGIN,
    "sendpay_failure": {
        "code": 204,
        "message": "failed: WIRE_TEMPORARY_CHANNEL_FAILURE (reply from remote)",
        "data": {
            **_PAYMENT,
            "status": "failed",
            "erring_index": 1,
            "failcode": 4103,
            "failcodename": "WIRE_TEMPORARY_CHANNEL_FAILURE",
            "erring_node": PEER,
            "erring_channel": SCID_OUT,
            "erring_direction": 0,
        },
    },
    "sendpay_success": {
        **_PAYMENT,
        "completed_at": SECONDS + 1,
        "status": "complete",
        "payment_preimage": PREIMAGE,
    },
    "shutdown": {},
    "warning": {**_LINE, "level": "warn", "log": "Peer is slow to answer"},
}

# The events that have another form in old daemons. In 2019 and 2020 amounts were strings.
_HOOKS_2019: Final[dict[str, Event]] = {
    "db_write": {"writes": ["BEGIN TRANSACTION;", *_HOOKS["db_write"]["writes"], "COMMIT;"]},
    "invoice_payment": {"payment": {"label": "coffee", "preimage": PREIMAGE, "msat": "10000msat"}},
    "peer_connected": {
        "peer": {
            "id": PEER,
            "addr": "203.0.113.7:9735",
            "globalfeatures": "",
            "localfeatures": FEATURES,
        }
    },
}
_TOPICS_2019: Final[dict[str, Event]] = {
    "connect": {"id": PEER, "address": _TOPICS["connect"]["address"]},
    "disconnect": _TOPICS["disconnect"],
    "warning": _TOPICS["warning"],
}
_SAMPLES: Final[dict[str, tuple[dict[str, Event], dict[str, Event]]]] = {
    "current": (_HOOKS, _TOPICS),
    "2020": ({**_HOOKS, "invoice_payment": _HOOKS_2019["invoice_payment"]}, _TOPICS),
    "2019": (_HOOKS_2019, _TOPICS_2019),
}


def hook_sample(name: str, dialect: str = "current") -> Event:
    """A copy of a hook's sample params. Raises `LookupError` if there is none."""
    known = _of(_SAMPLES[dialect][0], dialect_named(dialect).hooks)
    return _copied(known, name, "hook", dialect)


def topic_sample(topic: str, dialect: str = "current") -> Event:
    """A copy of a topic's sample payload, not wrapped in its name. Raises `LookupError`."""
    known = _SAMPLES[dialect][1]
    if dialect != "current":
        known = _of(known, dialect_named(dialect).topics)
    return _copied(known, topic, "topic", dialect)


def _of(samples: dict[str, Event], names: frozenset[str]) -> dict[str, Event]:
    return {name: sample for name, sample in samples.items() if name in names}


def _copied(known: dict[str, Event], name: str, kind: str, dialect: str) -> Event:
    if name not in known:
        era = "" if dialect == "current" else f" of {dialect}"
        hint = did_you_mean(name, known) or "; give a payload"
        raise LookupError(f"there is no sample for the {kind} '{name}'{era}{hint}")
    return copy.deepcopy(known[name])
