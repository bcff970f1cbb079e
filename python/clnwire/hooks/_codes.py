"""Failure codes of BOLT 4 for daemons before v0.8.2, which read a code and no failure message."""

from collections.abc import Callable
from typing import Final

import msgspec

from clnwire._wire.codec import encode
from clnwire._wire.structs import HookAnswer

SAFE: Final = frozenset((0x400F, 0x2002, 0x6002, 0x6003, 0x0011, 0x0012, 0x0013))
"""Codes that those daemons can turn into a failure message. For any other code the daemon crashes,
or the channel's own process crashes, again at each reconnect."""


def safe_code(failure_message: str, instead: int, hook: str, warn: Callable[[str], object]) -> int:
    """The message's failure code if it is in `SAFE`; otherwise `instead`, with a warning."""
    code = int(failure_message[:4], 16)
    if code in SAFE:
        return code
    safe = ", ".join(sorted(f"{each:04x}" for each in SAFE))
    warn(
        f"{hook}: failure code {code:04x} could close a channel or crash a daemon before v0.8.2; "
        f"clnwire sends {instead:04x} instead. Answer one of {safe}"
    )
    return instead


def with_code(answer: HookAnswer, code: int) -> bytes:
    """The encoded answer with `failure_code` added."""
    return encode({**msgspec.to_builtins(answer), "failure_code": code})
