"""What a hook must not be registered with for the case that its handler fails."""

from __future__ import annotations

from clnwire import Plugin
from clnwire.hooks import CONTINUE, HtlcFail, PeerDisconnect, Refuse

plugin = Plugin()

plugin.hook("htlc_accepted", on_failure=PeerDisconnect())  # mistake: another hook's answer
plugin.hook("htlc_accepted", on_failure="fail")  # mistake: not the word
plugin.hook("htlc_accepted", on_failure=HtlcFail)  # mistake: the type, not an answer
plugin.hook("custommsg", on_failure="refuse")  # mistake: there is nothing to refuse
plugin.hook("invoice_payment", on_failure=Refuse("x"))  # mistake: that is for other hooks
plugin.hook("openchannel2_sign", on_failure=CONTINUE)  # mistake: no answer fits each event
plugin.hook("a_hook_of_tomorrow", on_failure=CONTINUE)  # mistake: it answers dicts
