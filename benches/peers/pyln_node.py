"""The measured plugin on pyln-client, which a blank line inside a message ends."""

from pyln.client import Plugin

plugin = Plugin()


@plugin.hook("htlc_accepted")
def on_htlc(plugin, onion, htlc, **kwargs):
    return {"result": "continue"}


@plugin.method("total")
def total(plugin, amount: int, count: int):
    """Multiplies."""
    amount, count = int(amount), int(count)
    return {"amount": amount, "count": count, "total": amount * count}


@plugin.subscribe("connect")
def on_connect(plugin, **kwargs): ...


plugin.run()
