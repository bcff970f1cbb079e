"""`Millisatoshi`, pyln-client's type of amounts."""

from __future__ import annotations

from functools import total_ordering
from math import floor, log10
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

_MSAT_A_SAT = 1000
_SAT_A_BTC = 10**8
_MOST_DIGITS = 4300
"""Python makes no text of an integer with more digits."""


@total_ordering
class Millisatoshi:
    """An amount in millisatoshi (msat), from 0 on.

    JSON has it as a string such as `"5msat"`. It cannot be hashed.
    """

    def __init__(self, v: Any) -> None:
        """Takes a string ending with `msat`, `sat` or `btc`, a `Millisatoshi`, or a whole number.

        Raises `TypeError` for another form, `ValueError` for parts of a msat or less than 0.
        """
        if isinstance(v, str):
            self.millisatoshis = _parsed(v)
        elif isinstance(v, Millisatoshi):
            self.millisatoshis = v.millisatoshis
        elif int(v) == v:
            self.millisatoshis = int(v)
        elif isinstance(v, float):
            raise TypeError("Millisatoshi by float is currently not supported")
        else:
            raise TypeError(_WRONG_FORM)
        if self.millisatoshis < 0:
            raise ValueError("Millisatoshi must be >= 0")

    def __repr__(self) -> str:
        return f"{self.millisatoshis}msat"

    def to_satoshi(self) -> Decimal:
        """The amount in satoshi."""
        return _decimal(self.millisatoshis) / _MSAT_A_SAT

    def to_whole_satoshi(self) -> int:
        """The amount in satoshi, rounded up."""
        return (self.millisatoshis + _MSAT_A_SAT - 1) // _MSAT_A_SAT

    def to_btc(self) -> Decimal:
        """The amount in bitcoin."""
        return _decimal(self.millisatoshis) / _MSAT_A_SAT / _SAT_A_BTC

    def to_satoshi_str(self) -> str:
        """Such as `1234sat` or `1234.567sat`."""
        places = 3 if self.millisatoshis % _MSAT_A_SAT else 0
        return f"{self.to_satoshi():.{places}f}sat"

    def to_btc_str(self) -> str:
        """Such as `12.34567890btc` or `12.34567890123btc`."""
        places = 11 if self.millisatoshis % _MSAT_A_SAT else 8
        return f"{self.to_btc():.{places}f}btc"

    def to_approx_str(self, digits: int = 3) -> str:
        """The shortest of btc, sat and msat with this many significant digits.

        More digits are shown if that makes the text no longer.
        """
        best = self.to_satoshi_str()
        while True:
            text = min(_approximations(self.millisatoshis, digits), key=len)
            if text == best or (best and len(text) > len(best)):
                return best
            digits, best = digits + 1, text

    def to_json(self) -> str:
        """What JSON has for it: `"5msat"`."""
        return repr(self)

    def __int__(self) -> int:
        return self.millisatoshis

    def __lt__(self, other: Any) -> bool:
        return self.millisatoshis < _msat(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Millisatoshi, int)) and self.millisatoshis == _msat(other)

    def __add__(self, other: Any) -> Millisatoshi:
        return Millisatoshi(int(self) + int(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Millisatoshi:
        return Millisatoshi(int(self) - int(other))

    def __mul__(self, other: Any) -> Millisatoshi:
        if isinstance(other, Millisatoshi):
            raise TypeError("Resulting unit msat^2 is not supported")
        return Millisatoshi(floor(self.millisatoshis * other))

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Millisatoshi):
            return self.millisatoshis / other.millisatoshis
        return Millisatoshi(floor(self.millisatoshis / other))

    def __floordiv__(self, other: Any) -> Any:
        if isinstance(other, Millisatoshi):
            return self.millisatoshis // other.millisatoshis
        return Millisatoshi(floor(self.millisatoshis // float(other)))

    def __mod__(self, other: Any) -> Millisatoshi:
        return Millisatoshi(int(self.millisatoshis % other))


_WRONG_FORM = "Millisatoshi must be string with msat/sat/btc suffix or int"


def _decimal(number: int | str) -> Decimal:
    # Imported late: most plugins never need it.
    from decimal import Decimal

    return Decimal(number)


def _parsed(text: str) -> int:
    if text.endswith("msat"):
        amount = _decimal(text[:-4])
    elif text.endswith("sat"):
        amount = _decimal(text[:-3]) * _MSAT_A_SAT
    elif text.endswith("btc"):
        amount = _decimal(text[:-3]) * _MSAT_A_SAT * _SAT_A_BTC
    else:
        raise TypeError(_WRONG_FORM)
    if amount.is_finite() and amount.adjusted() > _MOST_DIGITS:
        # Its digits would fill the memory: 1e999999999.
        raise ValueError("Millisatoshi is too large")
    if amount != int(amount):
        raise ValueError("Millisatoshi must be a whole number")
    return int(amount)


def _msat(other: Any) -> int:
    """Raises `AttributeError` for what is neither an amount nor an int, as pyln-client does."""
    return other if isinstance(other, int) else other.millisatoshis


def _approximations(amount: int, digits: int) -> tuple[str, str, str]:
    rounded = round(amount, -floor(log10(amount)) + (digits - 1))
    msat_a_btc = _MSAT_A_SAT * _SAT_A_BTC
    return f"{rounded / msat_a_btc:g}btc", f"{rounded / _MSAT_A_SAT:g}sat", f"{rounded:g}msat"
