"""The measured plugin on clnwire: a `db_write` handler that does not decode the event."""

import msgspec

from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue

plugin = Plugin()


@plugin.hook("db_write")
def on_write(event: msgspec.Raw) -> Continue:
    return CONTINUE


plugin.run()
