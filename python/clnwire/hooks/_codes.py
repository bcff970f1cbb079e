"""Failure codes of BOLT 4, for daemons that read the code and not the message (before v0.8.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from clnwire._wire.codec import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._wire.structs import HookAnswer

SAFE: Final = frozenset((0x400F, 0x2002, 0x6002, 0x6003, 0x0011, 0x0012, 0x0013))
"""Codes from which those daemons can make a message. At any other code the daemon crashes, or the
channel's own process does, again at each reconnect."""


def safe_code(failure_message: str, instead: int, hook: str, warn: Callable[[str], object]) -> int:
    """The message's code if an old daemon can take it, `instead` and a warning if not."""
    code = int(failure_message[:4], 16)
    if code in SAFE:
        return code
    warn(
        f"{hook}: this daemon reads failure codes, and {code:04x} could cost the channel or stop "
        f"the node; it is told {instead:04x}. Answer one of {', '.join(_names())}"
    )
    return instead


def _names() -> list[str]:
    return sorted(f"{code:04x}" for code in SAFE)


def with_code(answer: HookAnswer, code: int) -> bytes:
    """The answer with its `failure_code`."""
    return encode({**msgspec.to_builtins(answer), "failure_code": code})
