"""lightningd's rules for options: types, names, and the spelling of values."""

import re
from typing import Final, Literal, TypeAlias

OptionType: TypeAlias = Literal["string", "string-conceal", "int", "bool", "flag"]
"""The protocol's names for the types. `listconfigs` hides the value of a `string-conceal`."""

NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
BOOLEANS: Final = {"true": True, "yes": True, "false": False, "no": False}
"""The spellings of booleans, in lower case; lightningd ignores the case."""
_C_INTEGER: Final = re.compile(r"[ \t\n\v\f\r]*([+-]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*))")


def c_integer(text: str) -> int | None:
    """An integer as C's `strtoll` reads it: `0x` is hexadecimal, a leading 0 octal, white space may
    come before it; or `None`."""
    found = _C_INTEGER.fullmatch(text)
    if found is None:
        return None
    number = found[1]
    digits = number.lstrip("+-")
    try:
        return int(number, 8 if digits.startswith("0") and digits.isdigit() else 0)
    except ValueError:  # Python refuses decimal numbers of too many digits.
        return None


def fits_64_bits(number: int) -> bool:
    """Whether the number fits in a signed 64-bit integer, as lightningd uses for options."""
    return -(2**63) <= number < 2**63
