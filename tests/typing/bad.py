"""Mistakes that a type checker must find: one on each line marked so. Never run."""

from __future__ import annotations

from clnwire import Plugin, Request
from clnwire.hooks import (
    CONTINUE,
    Continue,
    DbWrite,
    HtlcAccepted,
    HtlcFail,
    HtlcResolve,
    InvoicePayment,
    PeerConnected,
    PeerDisconnect,
)
from clnwire.notifications import Connect, Disconnect

plugin = Plugin()


@plugin.hook("db_write")  # mistake: another hook's event
def wrong_event(event: PeerConnected) -> Continue:
    return CONTINUE


@plugin.hook("db_write")  # mistake: no answer
def forgotten_answer(event: DbWrite) -> None: ...


@plugin.hook("peer_connected")  # mistake: another hook's answer
def wrong_answer(event: PeerConnected) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("peer_connected")  # mistake: sometimes no answer
def sometimes(event: PeerConnected) -> Continue | None:
    return CONTINUE if event.peer.addr else None


@plugin.hook("invoice_payment")  # mistake: a word is not an answer
def word(event: InvoicePayment) -> str:
    return "continue"


@plugin.hook("htlc_accepted")  # mistake: too many parameters
def too_many(event: HtlcAccepted, request: Request, more: int) -> Continue:
    return CONTINUE


@plugin.subscribe("connect")  # mistake: another topic's event
def wrong_topic(event: Disconnect) -> None: ...


@plugin.subscribe("connect")
def misread(event: Connect) -> None:
    print(event.addr)  # mistake: no such field


print(HtlcFail())  # mistake: a failure needs its message
print(PeerDisconnect(message="x"))  # mistake: no such field
plugin.option("count", "x").value + 1  # mistake: a string
plugin.option("on", 1, on_change=len)  # mistake: takes no int
plugin.option("x", type="flag", multi=True)  # mistake: a flag cannot be multi
plugin.option("y", 1.5).value + "x"  # mistake: a number
