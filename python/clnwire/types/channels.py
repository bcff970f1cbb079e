"""Short channel ids: where on the chain a channel was funded (BOLT 7)."""

from __future__ import annotations

from typing import Final, NamedTuple, NewType

ShortChannelId = NewType("ShortChannelId", str)
"""`103x1x0`: block height, index of the transaction in the block, index of its output."""
ShortChannelIdDir = NewType("ShortChannelIdDir", str)
"""`103x1x0/1`: a channel and one of its directions, 0 or 1."""

_BITS: Final = (24, 24, 16)
"""How wide each part is."""


class ShortChannelIdParts(NamedTuple):
    """A short channel id, taken apart. They sort by where they stand on the chain."""

    block_height: int
    """The block that has the funding transaction."""
    transaction: int
    """The funding transaction's index in that block."""
    output: int
    """The funding output's index in that transaction."""


def parse_short_channel_id(text: str) -> ShortChannelIdParts:
    """Takes `103x1x0` apart. Raises `ValueError` for what is no short channel id."""
    parts = text.split("x")
    if len(parts) != len(_BITS) or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"no short channel id: {text!r}; it looks like 103x1x0")
    height, transaction, output = map(int, parts)
    return _in_range(ShortChannelIdParts(height, transaction, output), text)


def format_short_channel_id(block_height: int, transaction: int, output: int) -> ShortChannelId:
    """Puts `103x1x0` together. Raises `ValueError` for a part that is out of range."""
    text = f"{block_height}x{transaction}x{output}"
    _in_range(ShortChannelIdParts(block_height, transaction, output), text)
    return ShortChannelId(text)


def short_channel_id_to_int(text: str) -> int:
    """The number of 64 bits that peers use on the wire. Raises `ValueError`."""
    height, transaction, output = parse_short_channel_id(text)
    return height << 40 | transaction << 16 | output


def short_channel_id_from_int(number: int) -> ShortChannelId:
    """From the number of 64 bits that peers use on the wire. Raises `ValueError`."""
    return format_short_channel_id(number >> 40, number >> 16 & 0xFFFFFF, number & 0xFFFF)


def split_short_channel_id_dir(text: str) -> tuple[ShortChannelId, int]:
    """Takes `103x1x0/1` apart into the channel and the direction. Raises `ValueError`."""
    channel, _, direction = text.partition("/")
    parse_short_channel_id(channel)
    if direction not in ("0", "1"):
        raise ValueError(f"no direction of a channel: {text!r}; it looks like 103x1x0/1")
    return ShortChannelId(channel), int(direction)


def direction_between(source: str, destination: str) -> int:
    """The direction of a channel from one node to the other, given both node ids.

    0 if the source's id is the lesser one (BOLT 7), otherwise 1.
    """
    return 0 if source.lower() < destination.lower() else 1


def _in_range(parts: ShortChannelIdParts, text: str) -> ShortChannelIdParts:
    for part, bits in zip(parts, _BITS, strict=True):
        if not 0 <= part < 1 << bits:
            raise ValueError(f"no short channel id: {text!r}; {part} is not from 0 to 2^{bits} - 1")
    return parts
