"""Amounts of bitcoin: millisatoshis and satoshis, never floats.

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
"""Unit → how many decimal places down to millisatoshis."""


def parse_msat(text: str | int) -> Msat:
    """An amount as the daemon and its users write it.

    `"10000msat"`, `"10sat"`, `"0.0001btc"`; without a unit, millisatoshis: `"10000"`, `10000`.
    Raises `ValueError` for anything else, and for parts of a millisatoshi.
    """
    if isinstance(text, int):
        return _in_range(text, text)
    unit = next((unit for unit in _DECIMALS if text.endswith(unit)), "")
    whole, point, fraction = text.removesuffix(unit).partition(".")
    decimals = _DECIMALS.get(unit, 0)
    if not _is_digits(whole) or (point and not _is_digits(fraction)) or len(fraction) > decimals:
        raise ValueError(
            f"no amount: {text!r}; write it as 10000msat, 10sat or 0.0001btc, down to 1msat"
        )
    return _in_range(int(whole + fraction.ljust(decimals, "0")), text)


def format_msat(amount: Msat) -> str:
    """`"10000msat"`, which the daemon takes wherever it takes an amount."""
    return f"{amount}msat"


def sat_to_msat(amount: int) -> Msat:
    """Satoshis as millisatoshis. Raises `ValueError` for what is no amount."""
    return _in_range(amount * MSAT_PER_SAT, f"{amount}sat")


def msat_to_sat(amount: Msat, *, round_down: bool = False) -> Sat:
    """Millisatoshis as satoshis.

    Raises `ValueError` if that is no whole number of satoshis, unless `round_down`.
    """
    whole, rest = divmod(amount, MSAT_PER_SAT)
    if rest and not round_down:
        raise ValueError(f"{amount}msat is no whole number of satoshis; round_down=True rounds")
    return Sat(whole)


def msat_to_btc(amount: Msat) -> Decimal:
    """Millisatoshis as bitcoins: exact, with eleven decimal places."""
    from decimal import Decimal

    return Decimal(amount).scaleb(-_DECIMALS["btc"])


def _in_range(amount: int, shown: object) -> Msat:
    if not 0 <= amount < 1 << 64:
        raise ValueError(f"no amount: {shown!r} is not from 0 to {(1 << 64) - 1} millisatoshis")
    return Msat(amount)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
