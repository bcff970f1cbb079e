"""The measured plugin on clnwire: a `db_write` handler with a typed event."""

from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue, DbWrite

plugin = Plugin()


@plugin.hook("db_write")
def on_write(event: DbWrite) -> Continue:
    return CONTINUE


plugin.run()
