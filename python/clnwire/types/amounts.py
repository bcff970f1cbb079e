"""Amounts of bitcoin as integers: millisatoshis and satoshis.

1 BTC is 100,000,000 satoshis (sat), 1 satoshi is 1,000 millisatoshis (msat).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NewType

if TYPE_CHECKING:
    from decimal import Decimal

Msat = NewType("Msat", int)
"""An amount in millisatoshis (msat), from 0 to 2⁶⁴ - 1."""
Sat = NewType("Sat", int)
"""An amount in satoshis (sat), from 0 to 2⁶⁴ - 1."""

MSAT_PER_SAT: Final = 1_000
MSAT_PER_BTC: Final = 100_000_000_000

_DECIMALS: Final = {"msat": 0, "sat": 3, "btc": 11}
"""Unit → the number of decimal places down to 1 msat."""


def parse_msat(text: str | int) -> Msat:
    """An amount as the daemon and its users write it.

    `"10000msat"`, `"10sat"`, `"0.0001btc"`; without a unit, millisatoshis: `"10000"`, `10000`.
    Raises `ValueError` for other texts, for fractions of a millisatoshi, and beyond 2⁶⁴ - 1 msat.
    """
    if isinstance(text, int):
        return _in_range(text, text)
    unit = next((unit for unit in _DECIMALS if text.endswith(unit)), "")
    whole, point, fraction = text.removesuffix(unit).partition(".")
    decimals = _DECIMALS.get(unit, 0)
    if not _is_digits(whole) or (point and not _is_digits(fraction)) or len(fraction) > decimals:
        raise ValueError(
            f"not an amount: {text!r}; write it as 10000msat, 10sat or 0.0001btc, down to 1msat"
        )
    return _in_range(int(whole + fraction.ljust(decimals, "0")), text)


def format_msat(amount: Msat) -> str:
    """The amount as `"10000msat"`, which the daemon accepts for every amount."""
    return f"{amount}msat"


def sat_to_msat(amount: int) -> Msat:
    """Satoshis as millisatoshis. Raises `ValueError` if negative or beyond 2⁶⁴ - 1 msat."""
    return _in_range(amount * MSAT_PER_SAT, f"{amount}sat")


def msat_to_sat(amount: Msat, *, round_down: bool = False) -> Sat:
    """Millisatoshis as satoshis.

    Raises `ValueError` for a fraction of a satoshi, unless `round_down`.
    """
    whole, rest = divmod(amount, MSAT_PER_SAT)
    if rest and not round_down:
        raise ValueError(
            f"{amount}msat is not a whole number of satoshis; pass round_down=True to round it"
        )
    return Sat(whole)


def msat_to_btc(amount: Msat) -> Decimal:
    """Millisatoshis as bitcoins, exactly: a `Decimal` with eleven decimal places."""
    from decimal import Decimal

    return Decimal(amount).scaleb(-_DECIMALS["btc"])


def _in_range(amount: int, shown: object) -> Msat:
    if not 0 <= amount < 1 << 64:
        raise ValueError(f"not an amount: {shown!r} is not from 0 to {(1 << 64) - 1} millisatoshis")
    return Msat(amount)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
