"""Values of this package's types as users write them: in a parameter of a method, say.

A reader's message never contains the text, which may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from clnwire.types._rules import Hexadecimal, Unsigned
from clnwire.types.amounts import MSAT_PER_SAT, parse_msat
from clnwire.types.channels import parse_short_channel_id, split_short_channel_id_dir
from clnwire.types.identifiers import split_outpoint

_AMOUNT: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?(msat|sat|btc)?")
_INTEGER: Final = re.compile(r"([0-9]+)(?:\.0*)?")
_NOT_HEXADECIMAL: Final = re.compile(r"[^0-9a-fA-F]")


class ReasonError(ValueError):
    """What is wrong with a text, where `expected` does not say it."""


class TextType(Struct, frozen=True):
    """How the values of a type are read from texts."""

    expected: str
    """What is permitted, to continue "must be …"."""
    read: Callable[[str], Any]
    """Returns the value. Raises `ReasonError` or another `ValueError` for other texts."""
    is_secret: bool = False
    """Whether error messages must not show the text."""


def text_type(marked: object) -> TextType | None:
    """How the values of a `NewType` of `clnwire.types`, or those with one of its markers, are read.

    `None` for anything else.
    """
    if isinstance(marked, Hexadecimal):
        return _hexadecimal("", marked)
    if isinstance(marked, Unsigned):
        return _unsigned(marked.bits)
    if not str(getattr(marked, "__module__", "")).startswith("clnwire.types."):
        return None
    return _BY_NAME.get(getattr(marked, "__name__", ""))


def _amount(text: str, unit: str = "msat") -> int:
    """An amount in millisatoshis. Unlike the daemon it takes `1.0sat` and `.5btc`, as pyln-client
    does. `unit` is that of a bare number."""
    match = _AMOUNT.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        raise ValueError
    fraction = (match[2] or "").rstrip("0")
    point = "." if fraction else ""
    return parse_msat(f"{match[1] or 0}{point}{fraction}{match[3] or unit}")


def _satoshis(text: str) -> int:
    amount = _amount(text, "sat")
    if amount % MSAT_PER_SAT:
        raise ValueError
    return amount // MSAT_PER_SAT


def _hexadecimal(what: str, rule: Hexadecimal, *starts: str) -> TextType:
    size = "hexadecimal digits, two a byte"
    if rule.exactly is not None:
        size = f"{rule.exactly * 2} hexadecimal digits"
    elif rule.at_least:
        size = f"at least {rule.at_least * 2} {size}"

    def read(text: str) -> str:
        wrong = _NOT_HEXADECIMAL.search(text)
        if wrong is not None:
            raise ReasonError(f"character {wrong.start() + 1} is not a hexadecimal digit")
        if rule.problem(text) is not None:
            raise ReasonError(f"it has {len(text)} digit{'s' if len(text) != 1 else ''}")
        if starts and not text.startswith(starts):
            raise ReasonError(f"it starts with {text[:2]} instead of {' or '.join(starts)}")
        return text

    return TextType(f"{what} ({size})" if what else size, read, is_secret=what == "a secret")


def _unsigned(bits: int) -> TextType:
    def read(text: str) -> int:
        match = _INTEGER.fullmatch(text)
        if match is None or Unsigned(bits).problem(number := int(match[1])) is not None:
            raise ValueError
        return number

    return TextType(f"an integer from 0 to {(1 << bits) - 1}", read)


def _checked(parse: Callable[[str], object]) -> Callable[[str], str]:
    def read(text: str) -> str:
        parse(text)
        return text

    return read


def _psbt(text: str) -> str:
    from binascii import a2b_base64

    # Both errors of the decoding are a `ValueError`.
    if a2b_base64(text.encode("ascii"))[:5] != b"psbt\xff":
        raise ReasonError("it does not start with cHNidP8")
    return text


_32_BYTES: Final = Hexadecimal(exactly=32)
_BY_NAME: Final = {
    "Msat": TextType("an amount such as 5sat, 10msat or 0.001btc (msat without a unit)", _amount),
    "Sat": TextType(
        "whole satoshis such as 5sat, 5000msat or 0.001btc (sat without a unit)", _satoshis
    ),
    "PublicKey": _hexadecimal("a public key", Hexadecimal(exactly=33), "02", "03"),
    "Hash": _hexadecimal("a hash", _32_BYTES),
    "ChannelId": _hexadecimal("a channel id", _32_BYTES),
    "Txid": _hexadecimal("a transaction id", _32_BYTES),
    "Secret": _hexadecimal("a secret", _32_BYTES),
    "Hex": _hexadecimal("", Hexadecimal()),
    "ShortChannelId": TextType(
        "a short channel id such as 103x1x0 (of 24, 24 and 16 bits)",
        _checked(parse_short_channel_id),
    ),
    "ShortChannelIdDir": TextType(
        "a short channel id and its direction such as 103x1x0/1",
        _checked(split_short_channel_id_dir),
    ),
    "Outpoint": TextType(
        "an outpoint (64 hexadecimal digits, a colon and an index)", _checked(split_outpoint)
    ),
    "BlockHeight": _unsigned(32),
    "Psbt": TextType("a PSBT in base64", _psbt),
}
"""Name of a `NewType` → how its values are read."""
