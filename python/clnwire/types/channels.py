"""Short channel ids (BOLT 7), which name a channel by its funding output on the chain."""

from typing import Final, NamedTuple, NewType

ShortChannelId = NewType("ShortChannelId", str)
"""`103x1x0`: block height, index of the transaction in the block, index of its output."""
ShortChannelIdDir = NewType("ShortChannelIdDir", str)
"""`103x1x0/1`: a channel and one of its directions, 0 or 1."""

_BITS: Final = (24, 24, 16)
"""The width of each part in bits."""


class ShortChannelIdParts(NamedTuple):
    """The parts of a short channel id. They sort by their order on the chain."""

    block_height: int
    """The height of the block with the funding transaction."""
    transaction: int
    """The funding transaction's index in that block."""
    output: int
    """The funding output's index in that transaction."""


def parse_short_channel_id(text: str) -> ShortChannelIdParts:
    """The parts of `103x1x0`. Raises `ValueError` if the text is not a short channel id."""
    parts = text.split("x")
    if len(parts) != len(_BITS) or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"not a short channel id: {text!r}; write it as 103x1x0")
    height, transaction, output = map(int, parts)
    return _in_range(ShortChannelIdParts(height, transaction, output), text)


def format_short_channel_id(block_height: int, transaction: int, output: int) -> ShortChannelId:
    """`103x1x0` from its parts. Raises `ValueError` for a part out of range."""
    text = f"{block_height}x{transaction}x{output}"
    _in_range(ShortChannelIdParts(block_height, transaction, output), text)
    return ShortChannelId(text)


def short_channel_id_to_int(text: str) -> int:
    """The 64-bit number that BOLT messages use.

    Raises `ValueError` if the text is not a short channel id.
    """
    height, transaction, output = parse_short_channel_id(text)
    return height << 40 | transaction << 16 | output


def short_channel_id_from_int(number: int) -> ShortChannelId:
    """The short channel id from the 64-bit number that BOLT messages use.

    Raises `ValueError` for a number out of range.
    """
    return format_short_channel_id(number >> 40, number >> 16 & 0xFFFFFF, number & 0xFFFF)


def split_short_channel_id_dir(text: str) -> tuple[ShortChannelId, int]:
    """The channel and the direction of `103x1x0/1`. Raises `ValueError` for other texts."""
    channel, _, direction = text.partition("/")
    parse_short_channel_id(channel)
    if direction not in ("0", "1"):
        raise ValueError(f"not a channel with a direction: {text!r}; write it as 103x1x0/1")
    return ShortChannelId(channel), int(direction)


def direction_between(source: str, destination: str) -> int:
    """The direction of a channel from the node `source` to the node `destination`.

    0 if the source's node id is the lesser one (BOLT 7), otherwise 1.
    """
    return 0 if source.lower() < destination.lower() else 1


def _in_range(parts: ShortChannelIdParts, text: str) -> ShortChannelIdParts:
    for part, bits in zip(parts, _BITS, strict=True):
        if not 0 <= part < 1 << bits:
            raise ValueError(
                f"not a short channel id: {text!r}; {part} is not from 0 to 2^{bits} - 1"
            )
    return parts
