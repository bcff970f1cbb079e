"""How the reply to a command reaches its caller: late, in chunks, or cut off."""

from __future__ import annotations

from msgspec import Struct

from clnwire.errors import UsageError


class Delivery(Struct, frozen=True):
    """A command's result and how its reply is sent.

    A command's function may return one, or it may replace the function:
    `host.command("getinfo")(Delivery({"id": "02"}, delay=0.5))`. `delay` applies to all callers,
    the other fields only to callers on the socket. The constructor raises `UsageError` for values
    out of range.
    """

    result: object
    """The result; an `RpcError` becomes an error reply."""
    delay: float = 0.0
    """Seconds before the reply begins."""
    chunk_bytes: int | None = None
    """Bytes per write; `None` writes the reply at once."""
    pause: float = 0.0
    """Seconds to wait after each chunk."""
    hang_up_after: int | None = None
    """Bytes of the reply after which the host closes the connection; 0 sends none of the reply."""

    def __post_init__(self) -> None:
        if self.delay < 0 or self.pause < 0:
            raise UsageError("delivery: delay and pause are seconds, 0 or more")
        if self.chunk_bytes is not None and self.chunk_bytes < 1:
            raise UsageError(f"delivery: chunk_bytes must be at least 1, not {self.chunk_bytes}")
        if self.hang_up_after is not None and self.hang_up_after < 0:
            raise UsageError("delivery: hang_up_after is a number of bytes, 0 or more")

    def chunks(self, reply: bytes) -> list[bytes]:
        """The part of the reply that is sent, in chunks."""
        whole = reply if self.hang_up_after is None else reply[: self.hang_up_after]
        size = self.chunk_bytes or max(1, len(whole))
        return [whole[start : start + size] for start in range(0, len(whole), size)]
