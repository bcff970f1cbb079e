"""The JSON libraries to compare with clnwire. The benchmarks of an absent library are skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

DECODERS = {
    "json": ("json", "loads"),
    "orjson": ("orjson", "loads"),
    "msgspec": ("msgspec.json", "decode"),
    "jiter": ("jiter", "from_json"),
}
ENCODERS = {
    "json": ("json", "dumps"),
    "orjson": ("orjson", "dumps"),
    "msgspec": ("msgspec.json", "encode"),
}


def decoder(library: str) -> Callable[[bytes], Any]:
    """A library's function from JSON bytes to dicts and lists."""
    module, function = DECODERS[library]
    return getattr(pytest.importorskip(module), function)


def encoder(library: str) -> Callable[[Any], bytes | str]:
    """A library's function from dicts and lists to JSON: bytes, or `str` from `json`."""
    module, function = ENCODERS[library]
    return getattr(pytest.importorskip(module), function)
