"""Hook names → what clnwire knows of them. Modules are imported when their hook is registered."""

from __future__ import annotations

from importlib import import_module

import msgspec

from clnwire.hooks._spec import CONTINUE_BYTES, HookSpec, go_on, refuse

_TYPED = ("db_write", "htlc_accepted", "invoice_payment", "peer_connected")


def reject(params: bytes, reason: str) -> bytes:
    """The safe answer to a peer that wants to open a channel: none without the plugin's consent."""
    return msgspec.json.encode({"result": "reject", "error_message": "internal error"})


def keep_psbt(params: bytes, reason: str) -> bytes:
    """Goes on with the transaction as it was proposed; without it the daemon would abort."""
    try:
        psbt = msgspec.json.decode(params)["openchannel2"]["psbt"]
    except (msgspec.MsgspecError, KeyError, TypeError):
        return CONTINUE_BYTES
    return msgspec.json.encode({"result": "continue", "psbt": psbt})


_UNTYPED = (
    HookSpec("rpc_command", safe=go_on, filters=True),
    HookSpec("custommsg", safe=go_on, filters=True),
    HookSpec("recover", safe=go_on),
    HookSpec("openchannel", safe=reject),
    HookSpec("openchannel2", safe=reject),
    HookSpec("openchannel2_changed", safe=keep_psbt),
    HookSpec("openchannel2_sign", safe=keep_psbt),
    HookSpec("rbf_channel", safe=reject),
    HookSpec("commitment_revocation", safe=refuse),
    HookSpec("onion_message_recv", safe=go_on),
    HookSpec("onion_message_recv_secret", safe=go_on),
)


def hook_spec(name: str) -> HookSpec:
    """The hook of that name; one that clnwire does not know takes and answers dicts."""
    if name in _TYPED:
        spec: HookSpec = import_module(f"clnwire.hooks.{name}").SPEC
        return spec
    known = next((spec for spec in _UNTYPED if spec.name == name), None)
    # Filters for an unknown hook are the daemon's to judge.
    return known or HookSpec(name, safe=go_on, filters=True)
