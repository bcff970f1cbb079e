"""How messages arrive: in pieces, two at a time, with blank lines, and as invalid JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from clnwire.checking import catalogue as rules
from clnwire.checking.hooks import event_for
from clnwire.host.errors import PluginDiedError
from clnwire.notifications._catalogue import NATIVE

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession
    from clnwire.host.rules.manifest import HostHook, HostManifest

PIECES: Final = 3
"""The middle one of three pieces neither begins nor ends a message."""
ADDRESS: Final = b"203.0.113.7"
"""A string without its quotes, as a caller may write it; lightningd accepts any word as a value."""


def passes_callers_bytes(manifest: HostManifest) -> bool:
    """Whether the plugin receives bytes as callers of the daemon wrote them."""
    return bool(manifest.methods) or "rpc_command" in manifest.hooks


def passes_white_space(manifest: HostManifest) -> bool:
    """Whether the plugin receives text that callers or other plugins wrote, with white space."""
    others = set(manifest.subscriptions) - NATIVE
    return bool(others) or passes_callers_bytes(manifest)


class MessageCutter(Struct):
    """A `Cut` for the host: changes how each message is written to the plugin."""

    in_pieces: bool = False
    blank_lines: bool = False
    in_pairs: bool = False
    _held: bytes = b""

    def __call__(self, message: bytes) -> list[bytes]:
        """The chunks to write instead of the message."""
        if self.blank_lines:
            # Blank lines are ordinary white space between JSON tokens and between messages.
            message = b"\n\n" + message.replace(b"{", b"{\n\n", 1)
        if self.in_pairs:
            return self._pair(message)
        if not self.in_pieces:
            return [message]
        size = max(1, len(message) // PIECES)
        return [message[at : at + size] for at in range(0, len(message), size)]

    def _pair(self, message: bytes) -> list[bytes]:
        both, self._held = self._held + message, b"" if self._held else message
        return [] if self._held else [both]


async def check_pairs(
    found: Found, session: CheckSession, hooks: Sequence[HostHook], delivery: MessageCutter
) -> None:
    """Sends two requests in one write to a hook that has answered before, if there is one."""
    # The daemon never has two `db_write` open. An `rpc_command` may wait for another one's end.
    hook = next((hook for hook in hooks if hook.name not in ("db_write", "rpc_command")), None)
    if hook is None:
        return
    events = [event_for(session, hook) for _ in range(2)]
    questions = [session.host.hook(hook.name, event) for event in events]
    delivery.in_pairs = True
    outcomes = await asyncio.gather(*questions, return_exceptions=True)
    delivery.in_pairs = False
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if failed:
        session.usable = False
        message = f"of two in one read: {failed[-1]}"
        found.add(rules.LOSES_SECOND, f"hook {hook.name}", message)


async def check_malformed(found: Found, session: CheckSession, methods: Iterable[str]) -> None:
    """Sends a request that is invalid JSON. The plugin must answer it and keep running.

    The request is a `check`, so no method is carried out.
    """
    method = next(iter(methods), "getinfo")
    params = b'{"command_to_check":"%b","address":%b}' % (method.encode(), ADDRESS)
    session.usable = False
    try:
        asking = session.plugin.request("check", params)
        await asyncio.wait_for(asking, session.limits.timeout)
    except PluginDiedError as error:
        text = session.epitaph(error)
    except asyncio.TimeoutError:
        text = "it does not answer, and the caller waits for ever"
    else:
        return
    found.add(rules.DIES_OF_MALFORMED, "messages", text, session.watch.last_in)
