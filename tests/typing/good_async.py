"""Handlers that are `async def` or run in threads, where plain ones may stand. Never run."""

from __future__ import annotations

from typing import Any

import msgspec
from typing_extensions import assert_type

from clnwire import Notification, Plugin, Request
from clnwire.hooks import (
    CONTINUE,
    Continue,
    DbWrite,
    HtlcAccepted,
    HtlcFail,
    HtlcResolve,
    OpenChannel2Changed,
    OpenChannel2ChangedContinue,
    PeerConnected,
    PeerDisconnect,
    Refuse,
)
from clnwire.messages.init import Init
from clnwire.notifications import Connect, WarningEvent

plugin = Plugin(max_in_flight=10, max_threads=2)


@plugin.hook("db_write")
async def on_write(event: DbWrite) -> Continue | Refuse:
    return CONTINUE if event.data_version else Refuse("no version")


@plugin.hook("peer_connected", before=["a.py"])
async def on_peer(event: PeerConnected, request: Request) -> Continue | PeerDisconnect:
    return CONTINUE if event.peer.id else PeerDisconnect(error_message=request.method)


@plugin.hook("htlc_accepted", thread=True)
def on_htlc(event: HtlcAccepted) -> Continue | HtlcFail | HtlcResolve:
    return CONTINUE


@plugin.hook("openchannel2_changed")
async def on_changed(event: OpenChannel2Changed) -> OpenChannel2ChangedContinue:
    return OpenChannel2ChangedContinue(psbt=event.openchannel2_changed.psbt)


@plugin.hook("rpc_command", filters=["pay"])
async def on_command(event: dict[str, Any]) -> Continue:
    return CONTINUE


@plugin.hook("recover")
async def on_recover(event: msgspec.Raw) -> Continue:
    return CONTINUE


@plugin.hook("of_tomorrow", thread=True, unknown=True)
def on_tomorrow(event: dict[str, Any]) -> dict[str, str]:
    return {"result": "continue"}


@plugin.subscribe("connect")
async def on_connect(event: Connect) -> None: ...


@plugin.subscribe("warning", thread=True)
def on_warning(event: WarningEvent, about: Notification) -> None: ...


@plugin.subscribe("*")
async def on_any(event: dict[str, Any], about: Notification) -> None: ...


@plugin.method("pay-all")
async def pay_all(request: Request, labels: list[str]) -> int:
    return len(labels)


@plugin.method("hash", thread=True)
def digest(text: str) -> str:
    return text


@plugin.on_init
async def ready(init: Init) -> None: ...


@plugin.on_shutdown
async def bye() -> None: ...


@plugin.background
async def tick() -> None: ...


@plugin.background(fatal=False)
def watch() -> None: ...


async def what_is_decorated_keeps_its_type(event: PeerConnected, request: Request) -> None:
    assert_type(digest("x"), str)
    assert_type(await pay_all(request, ["x"]), int)
    assert_type(await on_peer(event, request), Continue | PeerDisconnect)
    assert_type(await tick(), None)
    assert_type(watch(), None)
