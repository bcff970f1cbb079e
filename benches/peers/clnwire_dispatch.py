"""The measured plugin on clnwire: a hook, a method with two converted parameters, a topic."""

from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue, DbWrite
from clnwire.notifications import Connect

plugin = Plugin(mixed_db_write=True)
connected = 0


@plugin.hook("db_write")
def on_write(event: DbWrite) -> Continue:
    return CONTINUE


@plugin.method("scale")
def scale(amount: int, factor: int = 1) -> dict[str, int]:
    return {"amount": amount * factor}


@plugin.method("connected")
def count_connected() -> int:
    return connected


@plugin.subscribe("connect")
def on_connect(event: Connect) -> None:
    global connected  # noqa: PLW0603
    connected += 1


plugin.run()
