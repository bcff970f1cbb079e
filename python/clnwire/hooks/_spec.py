"""What clnwire must know of a hook to serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from clnwire.errors import INTERNAL_ERROR

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire.dialect import Dialect


class Continue(msgspec.Struct, frozen=True, tag_field="result", tag="continue"):
    """Let the daemon go on as if the plugin were not there."""


CONTINUE = Continue()
"""The answer most hooks give most of the time. Its bytes are made once."""


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
    """Permitted types of answers; without any, objects in whatever form."""
    results: tuple[str, ...] = ()
    """For answers without types: the words that `result` may be; without any, none is needed."""
    continues: bool = True
    """Whether a bare `continue` is an answer."""
    encode_2019: Any = None
    """`answer` → `bytes` for the daemon of 2019, where it differs."""
    safe: Any = None
    """`(params, reason, continue)` → what goes back when the handler fails: bytes, or an error's
    parts. `continue` are the bytes of a bare continue in the daemon's dialect."""
    filters: bool = False
    """Whether the daemon accepts filters for it."""

    def encoder(self, dialect: Dialect) -> Callable[[Any], bytes]:
        """How answers are encoded for this daemon."""
        if dialect == "2019" and self.encode_2019 is not None:
            encode: Callable[[Any], bytes] = self.encode_2019
            return encode
        return msgspec.json.Encoder().encode


def go_on(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """The safe answer of hooks in which a plugin's failure must not stop the node."""
    return bare_continue


def refuse(params: bytes, reason: str, bare_continue: bytes) -> tuple[int, str, None]:
    """The safe answer of hooks in which going on could lose money: the daemon ends instead."""
    return INTERNAL_ERROR, reason, None


HEX: Final = r"^([0-9a-fA-F]{2})*$"
"""A pattern for bytes in hexadecimal."""
HEX_32: Final = r"^[0-9a-fA-F]{64}$"
"""A pattern for 32 bytes in hexadecimal."""
FAILURE: Final = r"^([0-9a-fA-F]{2}){2,}$"
"""A pattern for a failure message of BOLT 4: at least the two bytes of its code."""
