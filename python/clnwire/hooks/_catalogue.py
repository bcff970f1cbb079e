"""Hook names → what clnwire knows of them. Modules are imported when their hook is registered."""

from __future__ import annotations

from importlib import import_module

import msgspec

from clnwire.hooks._spec import HookSpec, go_on, refuse

_TYPED = ("db_write", "htlc_accepted", "invoice_payment", "peer_connected")


def reject(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """The safe answer to a peer that wants to open a channel: none without the plugin's consent."""
    return msgspec.json.encode({"result": "reject", "error_message": "internal error"})


def keep_psbt(params: bytes, reason: str, bare_continue: bytes) -> bytes | tuple[int, str, None]:
    """Goes on with the transaction as it was proposed; without it the daemon would abort.

    The event is the only member of the params, and has the hook's name.
    """
    try:
        (event,) = msgspec.json.decode(params, type=dict[str, _WithPsbt]).values()
    except (msgspec.MsgspecError, ValueError):
        return refuse(params, reason, bare_continue)
    return msgspec.json.encode({"result": "continue", "psbt": event.psbt})


class _WithPsbt(msgspec.Struct):
    psbt: str


_CONTINUE = ("continue",)
_OPENING = ("continue", "reject")

_UNTYPED = (
    HookSpec("rpc_command", safe=go_on, filters=True),
    HookSpec("custommsg", results=_CONTINUE, safe=go_on, filters=True),
    HookSpec("recover", results=_CONTINUE, safe=go_on),
    HookSpec("openchannel", results=_OPENING, safe=reject),
    HookSpec("openchannel2", results=_OPENING, safe=reject),
    HookSpec("openchannel2_changed", results=_CONTINUE, continues=False, safe=keep_psbt),
    HookSpec("openchannel2_sign", results=_CONTINUE, continues=False, safe=keep_psbt),
    HookSpec("rbf_channel", results=_OPENING, safe=reject),
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
