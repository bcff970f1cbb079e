"""How clnwire describes a hook: its event, its answers, and the safe answers."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from clnwire._wire.codec import UNDECODABLE
from clnwire._wire.dialect import Release
from clnwire._wire.older import event_decoder
from clnwire._wire.structs import HookAnswer
from clnwire.error_codes import INTERNAL_ERROR

__all__ = ["CONTINUE", "Continue", "Refuse"]

ErrorParts: TypeAlias = tuple[int, str, bytes | None]
"""An error's code, its message, and its data as JSON or `None`."""


class Continue(HookAnswer, frozen=True, tag_field="result", tag="continue"):
    """Let the daemon go on as if the plugin were not there."""


CONTINUE = Continue()
"""The answer that most handlers give. It is encoded once."""


class Refuse(HookAnswer, frozen=True):
    """End the daemon before it commits (`db_write`, `commitment_revocation`). It logs `reason`."""

    reason: str
    """One line for the logs of the daemon and the plugin."""


class HookSpec(msgspec.Struct, frozen=True):
    """A hook: its event, its permitted answers, and the answer for a handler that failed."""

    name: str
    safe: Callable[..., bytes | ErrorParts]
    """`(params, reason, continue)` → the reply when the handler fails: the encoded answer, or an
    error's parts. `continue` is the encoded bare `continue`."""
    event: Any = None
    """The event's Struct. `None` for a hook that clnwire does not know: its event is a dict."""
    answers: tuple[type[HookAnswer], ...] = ()
    """The permitted types of answers. If empty, any JSON object is permitted."""
    upgrade: Any = None
    """Changes an older daemon's event, decoded to a dict, to today's form."""
    wrap: Any = None
    """`(event, decoder)` → the decoder to use: a faster one, which falls back to `decoder`, or one
    that completes the Struct from the JSON text that `read` returned."""
    read: Callable[[bytes], bytes] | None = None
    """Rewrites the event's JSON to what the daemon acts on, before it is decoded."""
    refusal: HookAnswer | Callable[..., bytes | ErrorParts] | None = None
    """The answer for `on_failure="refuse"`, or a function like `safe`; `None` if there is none."""
    former: Any = None
    """Changes a decoded answer in the form of the daemon of 2019 to today's form."""
    complete: tuple[Release, Any] | None = None
    """A release, and `(answer, warn)` → the encoded answer for daemons before that release."""
    translate: tuple[bytes, Any] | None = None
    """As for `_core.Route`: rewrites answers whose form depends on the event's form."""
    filters: bool = False
    """Whether the daemon accepts `filters` for the hook."""

    @property
    def continues(self) -> bool:
        """Whether a bare `continue` is a permitted answer."""
        return not self.answers or Continue in self.answers

    def decoder(self) -> Callable[[bytes], Any]:
        """The decoder from the params to the event's Struct, for every daemon's form."""
        decode = event_decoder(self.event, self.upgrade)
        if self.wrap is not None:
            decode = self.wrap(self.event, decode)
        if (read := self.read) is None:
            return decode
        return lambda text: decode(read(text))


# Safe answers. Each takes the event's params, the reason for the log, and the encoded `continue`.


def go_on(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """Continues, for hooks in which a plugin's failure must not stop the node."""
    return bare_continue


def refuse(params: bytes, reason: str, bare_continue: bytes) -> tuple[int, str, None]:
    """An error at which the daemon ends, for hooks in which going on could lose money."""
    return INTERNAL_ERROR, reason, None


def refuse_call(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """An error for the caller of the command that the plugin guards. The command does not run."""
    error = {"code": INTERNAL_ERROR, "message": reason}
    return msgspec.json.encode({"return": {"error": error}})


def reject(params: bytes, reason: str, bare_continue: bytes) -> bytes:
    """Rejects a channel that a peer opens, since the plugin has not agreed to it."""
    return msgspec.json.encode({"result": "reject", "error_message": "internal error"})


def keep_psbt(params: bytes, reason: str, bare_continue: bytes) -> bytes | tuple[int, str, None]:
    """Continues with the proposed transaction; without a PSBT the daemon would abort. The params
    have one member, the event, with the hook's name."""
    try:
        (event,) = event_decoder(dict[str, _WithPsbt])(params).values()
    except (ValueError, *UNDECODABLE):
        return refuse(params, reason, bare_continue)
    return msgspec.json.encode({"result": "continue", "psbt": event.psbt})


class _WithPsbt(msgspec.Struct):
    psbt: str
