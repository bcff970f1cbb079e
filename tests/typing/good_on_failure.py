"""What a hook may be registered with for the case that its handler fails."""

from __future__ import annotations

from clnwire import Plugin
from clnwire.hooks import (
    CONTINUE,
    Continue,
    DbWrite,
    HtlcAccepted,
    HtlcFail,
    Refuse,
    RpcCommand,
    RpcCommandReturn,
)

plugin = Plugin()


@plugin.hook("htlc_accepted", on_failure=HtlcFail(failure_message="2002"))
def on_htlc(event: HtlcAccepted) -> Continue:
    return CONTINUE


@plugin.hook("htlc_accepted", on_failure="refuse", thread=True)
def on_other_htlc(event: HtlcAccepted) -> Continue | HtlcFail:
    return CONTINUE


@plugin.hook("rpc_command", filters=["withdraw"], on_failure=RpcCommandReturn.error(-1, "closed"))
async def on_command(event: RpcCommand) -> Continue | RpcCommandReturn:
    return CONTINUE


@plugin.hook("db_write", on_failure=Refuse("no replica"))
def on_write(event: DbWrite) -> Continue:
    return CONTINUE


@plugin.hook("a_hook_of_tomorrow", on_failure={"result": "no"}, unknown=True)
def on_tomorrow(event: dict[str, object]) -> dict[str, object]:
    return {"result": "continue"}
