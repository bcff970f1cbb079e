"""Mistakes in handlers that are `async def`. One on each line marked so."""

from __future__ import annotations

from collections.abc import AsyncIterator

from clnwire import Plugin
from clnwire.hooks import (
    CONTINUE,
    Continue,
    CustomMsg,
    DbWrite,
    HtlcAccepted,
    HtlcResolve,
    PeerConnected,
    PeerDisconnect,
)
from clnwire.notifications import Connect, Disconnect

plugin = Plugin()


@plugin.hook("db_write")  # mistake: another hook's event
async def writes_of_another(event: PeerConnected) -> Continue:
    return CONTINUE


@plugin.hook("db_write")  # mistake: another hook's answer
async def writes_answers_another(event: DbWrite) -> PeerDisconnect:
    return PeerDisconnect(error_message="no")


@plugin.hook("peer_connected")  # mistake: no answer
async def peer_forgets(event: PeerConnected) -> None: ...


@plugin.hook("peer_connected")  # mistake: now and then no answer
async def peer_forgets_sometimes(event: PeerConnected) -> Continue | None:
    return CONTINUE if event.peer.id else None


@plugin.hook("custommsg")  # mistake: one of the answers is another hook's
async def message_may_answer_another(event: CustomMsg) -> Continue | HtlcResolve:
    return CONTINUE


@plugin.hook("htlc_accepted")  # mistake: many answers
async def htlc_answers_often(event: HtlcAccepted) -> AsyncIterator[Continue]:
    yield CONTINUE


@plugin.subscribe("connect")  # mistake: another topic's event
async def connect_of_another(event: Disconnect) -> None: ...


@plugin.subscribe("connect")  # mistake: an answer
async def connect_answers(event: Connect) -> Continue:
    return CONTINUE


@plugin.hook("htlc_accepted", thread="yes")  # mistake: no bool
def htlc_in_thread(event: HtlcAccepted) -> Continue:
    return CONTINUE


plugin.background(fatal="no")  # mistake: no bool
