"""What a type checker knows from the names a plugin's author writes. Checked, never run."""

from __future__ import annotations

from typing import Any

import msgspec
from typing_extensions import assert_type

from clnwire import Notification, Option, Plugin, Request, RpcError
from clnwire.hooks import (
    CONTINUE,
    Continue,
    DbWrite,
    HtlcAccepted,
    HtlcContinue,
    HtlcFail,
    HtlcFailOnion,
    HtlcResolve,
    InvoicePayment,
    InvoicePaymentFail,
    InvoicePaymentReject,
    PeerConnected,
    PeerDisconnect,
    Refuse,
    RpcCommandReturn,
)
from clnwire.notifications import Connect, Disconnect
from clnwire.types import Msat, PublicKey

plugin = Plugin()

# Options: the handle's value has the option's type.
assert_type(plugin.option("a", "x"), Option[str])
assert_type(plugin.option("b", 1), Option[int])
assert_type(plugin.option("c", True), Option[bool])
assert_type(plugin.option("d"), Option[str | None])
assert_type(plugin.option("e", type="int"), Option[int | None])
assert_type(plugin.option("f", type=bool), Option[bool | None])
assert_type(plugin.option("g", type="flag"), Option[bool])
assert_type(plugin.option("h", multi=True), Option[list[str]])
assert_type(plugin.option("i", [1, 2], multi=True), Option[list[int]])
assert_type(plugin.option("j", type=int, multi=True), Option[list[int]])
assert_type(plugin.option("k", "x", type="string-conceal", dynamic=True), Option[str])
assert_type(plugin.option("l", 1).value, int)
assert_type(plugin.option("m", "x").value, str)


# Methods keep their own types.
@plugin.method("hello")
def hello(request: Request, name: str | None = None) -> str:
    assert_type(request.id, str | int | float | None)
    request.notify("x", "warn")
    request.progress(1, 2, stage=(0, 1))
    raise RpcError(-1, "no", {"any": "thing"})


# Hooks: the event, the permitted answers, and the request.
@plugin.hook("db_write")
def on_write(event: DbWrite) -> Continue:
    assert_type(event.writes, list[str])
    assert_type(event.data_version, int | None)
    return CONTINUE


@plugin.hook("db_write")
def on_write_refusing(event: DbWrite) -> Continue | Refuse:
    return CONTINUE if event.writes else Refuse("empty")


@plugin.hook("db_write", before=["a.py"], after=["b.py"])
def on_raw_write(event: msgspec.Raw) -> Continue:
    return CONTINUE


@plugin.hook("db_write")
def on_write_bytes(event: bytes) -> Continue:
    return CONTINUE


@plugin.hook("peer_connected")
def on_peer(event: PeerConnected, request: Request) -> Continue | PeerDisconnect:
    assert_type(event.peer.id, PublicKey)
    return CONTINUE if event.peer.addr else PeerDisconnect(error_message="not today")


@plugin.hook("invoice_payment")
def on_payment(
    event: InvoicePayment,
) -> Continue | InvoicePaymentReject | InvoicePaymentFail:
    assert_type(event.payment.msat, Msat)
    return InvoicePaymentFail(failure_message="2002")


@plugin.hook("htlc_accepted")
def on_htlc(
    event: HtlcAccepted,
) -> Continue | HtlcContinue | HtlcFail | HtlcFailOnion | HtlcResolve:
    assert_type(event.htlc.amount_msat, Msat)
    assert_type(event.onion.forward_msat, Msat | None)
    return HtlcResolve(payment_key="00")


@plugin.hook("rpc_command", filters=["pay"])
def on_command(event: dict[str, Any]) -> Continue | RpcCommandReturn:
    return RpcCommandReturn.error(-1, "no payments here")


@plugin.hook("a_hook_of_tomorrow", unknown=True)
def on_tomorrow(event: dict[str, Any]) -> dict[str, Any]:
    return {"result": "whatever"}


# Subscriptions.
@plugin.subscribe("connect")
def on_connect(event: Connect) -> None:
    assert_type(event.address.port, int | None)


@plugin.subscribe("disconnect")
def on_disconnect(event: Disconnect, about: Notification) -> None:
    assert_type(about.origin, str | None)


@plugin.subscribe("*")
def on_any(event: dict[str, Any], about: Notification) -> None: ...


# Decorators give back what they were given.
assert_type(on_disconnect(Disconnect(PublicKey("02")), Notification.__new__(Notification)), None)
assert_type(on_write(DbWrite([])), Continue)
