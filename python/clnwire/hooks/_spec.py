"""What clnwire must know of a hook to serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from clnwire.errors import INTERNAL_ERROR

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire.dialect import Dialect


class Continue(msgspec.Struct, frozen=True, tag_field="result", tag="continue"):
    """Let the daemon go on as if the plugin were not there."""


CONTINUE = Continue()
"""The answer most hooks give most of the time. Its bytes are made once."""

CONTINUE_BYTES = b'{"result":"continue"}'


class Refuse(msgspec.Struct, frozen=True):
    """Stop the daemon rather than go on: for `db_write` and `commitment_revocation`.

    The daemon ends without committing, and `reason` is in its log.
    """

    reason: str


class HookSpec(msgspec.Struct, frozen=True):
    """A hook: its event, its permitted answers, and what is answered when the handler fails."""

    name: str
    event: Any = None
    """The Struct; without one, a dict."""
    decode: Any = None
    """`bytes` → event, where older daemons need more than the Struct's own decoder."""
    answers: tuple[type, ...] = ()
    """Permitted types of answers; without any, whatever is an object in JSON."""
    encode_2019: Any = None
    """`answer` → `bytes` for the daemon of 2019, where it differs."""
    safe: Any = None
    """`(params, reason)` → what goes back when the handler fails: bytes, or an error's parts."""
    filters: bool = False
    """Whether the daemon accepts filters for it."""

    def encoder(self, dialect: Dialect) -> Callable[[Any], bytes]:
        """How answers are encoded for this daemon."""
        if dialect == "2019" and self.encode_2019 is not None:
            encode: Callable[[Any], bytes] = self.encode_2019
            return encode
        return msgspec.json.Encoder().encode


def go_on(params: bytes, reason: str) -> bytes:
    """The safe answer of hooks in which a plugin's failure must not stop the node."""
    return CONTINUE_BYTES


def refuse(params: bytes, reason: str) -> tuple[int, str, None]:
    """The safe answer of hooks in which going on could lose money: the daemon ends instead."""
    return INTERNAL_ERROR, reason, None
