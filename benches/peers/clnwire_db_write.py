"""The measured plugin on clnwire: takes every set of writes, typed."""

from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue, DbWrite

plugin = Plugin()


@plugin.hook("db_write")
def on_write(event: DbWrite) -> Continue:
    return CONTINUE


plugin.run()
