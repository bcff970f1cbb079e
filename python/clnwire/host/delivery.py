"""How the reply to a command reaches its caller: late, in chunks, or cut off."""

from __future__ import annotations

from msgspec import Struct

from clnwire.errors import UsageError


class Delivery(Struct, frozen=True):
    """A command's result, and how the reply goes out: returned by a command's function, or given
    in its place: `host.command("getinfo")(Delivery({"id": "02"}, delay=0.5))`.

    The delay is for all callers, the rest for those on the socket. Raises `UsageError` if it is
    made wrong.
    """

    result: object
    """Or an `RpcError`, which becomes an error reply."""
    delay: float = 0.0
    """Seconds before the reply begins."""
    chunk_bytes: int | None = None
    """How many bytes are written at a time; all of them unless given."""
    pause: float = 0.0
    """Seconds between one chunk and the next."""
    hang_up_after: int | None = None
    """After so many bytes of the reply the host hangs up; 0 is before the first."""

    def __post_init__(self) -> None:
        if self.delay < 0 or self.pause < 0:
            raise UsageError("delivery: delay and pause are seconds, 0 or more")
        if self.chunk_bytes is not None and self.chunk_bytes < 1:
            raise UsageError(f"delivery: chunk_bytes must be at least 1, not {self.chunk_bytes}")
        if self.hang_up_after is not None and self.hang_up_after < 0:
            raise UsageError("delivery: hang_up_after is a number of bytes, 0 or more")

    def chunks(self, reply: bytes) -> list[bytes]:
        """What is written of the reply, piece by piece."""
        whole = reply if self.hang_up_after is None else reply[: self.hang_up_after]
        size = self.chunk_bytes or max(1, len(whole))
        return [whole[start : start + size] for start in range(0, len(whole), size)]
