"""What clnwire must know of a hook to serve it, and what hooks answer when their handler fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from clnwire._wire.older import event_decoder
from clnwire._wire.structs import HookAnswer
from clnwire.error_codes import INTERNAL_ERROR

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._wire.dialect import Release

ErrorParts: TypeAlias = tuple[int, str, bytes | None]
"""An error's code, message and data."""


class Continue(HookAnswer, frozen=True, tag_field="result", tag="continue"):
    """Let the daemon go on as if the plugin were not there."""


CONTINUE = Continue()
"""The answer most hooks give most of the time. Its bytes are made once."""


class Refuse(HookAnswer, frozen=True):
    """Stop the daemon rather than go on: for `db_write` and `commitment_revocation`.

    The daemon ends without committing, and `reason` is in its log.
    """

    reason: str
    """For the daemon's log and the plugin's."""


class HookSpec(msgspec.Struct, frozen=True):
    """A hook: its event, its permitted answers, and what is answered when the handler fails."""

    name: str
    safe: Callable[..., bytes | ErrorParts]
    """`(params, reason, continue)` → what goes back when the handler fails: bytes, or an error's
    parts. `continue` are the bytes of a bare continue."""
    event: Any = None
    """The Struct; a hook that clnwire does not know has none, and gives a dict."""
    answers: tuple[type[HookAnswer], ...] = ()
    """Permitted types of answers; without any, objects in whatever form."""
    older: Any = None
    """Changes an event of an older daemon, decoded to a dict, to today's spelling."""
    quicker: Any = None
    """`(event, decoder)` → a decoder that is quicker for what usually comes."""
    read: Callable[[bytes], bytes] | None = None
    """Gives an event's text as the daemon reads it, before it becomes whatever a handler takes."""
    decoded: Any = None
    """A decoder of what `read` gives → one that completes the Struct by its text."""
    refusal: HookAnswer | Callable[..., bytes | ErrorParts] | None = None
    """What `on_failure="refuse"` answers: an answer, or a function like `safe`. `None` if the hook
    has no answer that refuses every event."""
    former: Any = None
    """Changes an answer of the protocol's first document, decoded, to today's spelling."""
    complete: tuple[Release, Any] | None = None
    """A release, and `(answer, warn)` → `bytes` with what daemons before it need besides."""
    translate: tuple[bytes, Any] | None = None
    """As for `_core.Route`: for answers whose form depends on the event's."""
    filters: bool = False
    """Whether the daemon accepts filters for it."""

    @property
    def continues(self) -> bool:
        """Whether a bare `continue` is an answer."""
        return not self.answers or Continue in self.answers

    def decoder(self) -> Callable[[bytes], Any]:
        """From the params to the hook's own Struct, in whichever spelling they come."""
        decode = event_decoder(self.event, self.older)
        if self.decoded is not None:
            decode = self.decoded(decode)
        if self.quicker is not None:
            decode = self.quicker(self.event, decode)
        if self.read is None:
            return decode
        read = self.read
        return lambda text: decode(read(text))


# Safe answers. All take the event's params, the reason for the log, and a bare continue's bytes.


def go_on(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """For hooks in which a plugin's failure must not stop the node."""
    return bare_continue


def refuse(params: bytes, reason: str, bare_continue: bytes) -> tuple[int, str, None]:
    """For hooks in which going on could lose money: the daemon ends instead."""
    return INTERNAL_ERROR, reason, None


def refuse_call(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """For a call that a plugin guards: its caller gets an error, and the call is not made."""
    error = {"code": INTERNAL_ERROR, "message": reason}
    return msgspec.json.encode({"return": {"error": error}})


def reject(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """For a peer that wants to open a channel: none without the plugin's consent."""
    return msgspec.json.encode({"result": "reject", "error_message": "internal error"})


def keep_psbt(params: bytes, reason: str, bare_continue: bytes) -> bytes | tuple[int, str, None]:
    """Goes on with the transaction as it was proposed; without it the daemon would abort.

    The event is the only member of the params, and has the hook's name.
    """
    try:
        (event,) = event_decoder(dict[str, _WithPsbt])(params).values()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return refuse(params, reason, bare_continue)
    return msgspec.json.encode({"result": "continue", "psbt": event.psbt})


class _WithPsbt(msgspec.Struct):
    psbt: str
