"""The measured plugin on clnwire: a hook, a method and a subscription."""

from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue, HtlcAccepted
from clnwire.notifications import Connect

plugin = Plugin()


@plugin.hook("htlc_accepted")
def on_htlc(event: HtlcAccepted) -> Continue:
    return CONTINUE


@plugin.method("total")
def total(amount: int, count: int) -> dict[str, int]:
    """Multiplies."""
    return {"amount": amount, "count": count, "total": amount * count}


@plugin.subscribe("connect")
def on_connect(event: Connect) -> None: ...


plugin.run()
