"""The measured plugin on pyln-client, and on clnwire in its place: a `db_write` handler."""

from pyln.client import Plugin

plugin = Plugin()


@plugin.hook("db_write")
def on_write(plugin, data_version, writes, **kwargs):
    return {"result": "continue"}


plugin.run()
