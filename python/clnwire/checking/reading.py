"""How messages arrive: in pieces, two at a time, with blank lines in and between them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from clnwire.checking import catalogue as rules
from clnwire.checking.hooks import event_for
from clnwire.host.rules.names import TOPICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession
    from clnwire.host.rules.manifest import HostHook, HostManifest

PIECES = 3
"""Three, so that one piece neither begins nor ends a message."""


def passes_white_space(manifest: HostManifest) -> bool:
    """Whether the plugin receives text that others wrote, with its white space.

    Such text is in calls of methods, in `rpc_command`, and in other plugins' topics.
    """
    others = set(manifest.subscriptions) - TOPICS
    return bool(manifest.methods or others or "rpc_command" in manifest.hooks)


class MessageCutter(Struct):
    """Changes how each message is written to the plugin; a `Cut` for the host."""

    in_pieces: bool = False
    blank_lines: bool = False
    in_pairs: bool = False
    _held: bytes = b""

    def __call__(self, message: bytes) -> list[bytes]:
        """What is written in the message's place."""
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
    """Sends one of these hooks, which have answered before, two requests in one write."""
    # The daemon never has two `db_write` open, and an `rpc_command` may wait for another's end.
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
