"""What the daemon is answered when a handler fails: each hook has one of these.

All take the event's params, the reason for the log, and the bytes of a bare continue.
"""

from __future__ import annotations

import msgspec

from clnwire._wire.older import event_decoder
from clnwire.error_codes import INTERNAL_ERROR


def go_on(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """For hooks in which a plugin's failure must not stop the node."""
    return bare_continue


def refuse(params: bytes, reason: str, bare_continue: bytes) -> tuple[int, str, None]:
    """For hooks in which going on could lose money: the daemon ends instead."""
    return INTERNAL_ERROR, reason, None


def refuse_call(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """For a call that a plugin guards: its caller gets an error, and the call is not made."""
    error = {"code": INTERNAL_ERROR, "message": reason}
    return msgspec.json.encode({"return": {"error": error}})


def reject(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """For a peer that wants to open a channel: none without the plugin's consent."""
    return msgspec.json.encode({"result": "reject", "error_message": "internal error"})


def keep_psbt(params: bytes, reason: str, bare_continue: bytes) -> bytes | tuple[int, str, None]:
    """Goes on with the transaction as it was proposed; without it the daemon would abort.

    The event is the only member of the params, and has the hook's name.
    """
    try:
        (event,) = event_decoder(dict[str, _WithPsbt])(params).values()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return refuse(params, reason, bare_continue)
    return msgspec.json.encode({"result": "continue", "psbt": event.psbt})


class _WithPsbt(msgspec.Struct):
    psbt: str
