"""What clnwire must know of a hook to serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from clnwire._wire.older import event_decoder
from clnwire._wire.structs import HookAnswer

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
