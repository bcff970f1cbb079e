"""The measured plugin on clnwire, taking the event as it came."""

import msgspec

from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue

plugin = Plugin()


@plugin.hook("db_write")
def on_write(event: msgspec.Raw) -> Continue:
    return CONTINUE


plugin.run()
