"""What things of the schemas are called in Python."""

from __future__ import annotations

import keyword
import re
from typing import Final

METHODS: Final = {"currencyrates": "listcurrencyrates"}
"""`rpc` of a schema → the command, where the schema has it wrong: its own text says the other."""


def attribute(name: str) -> str:
    """A member or a command as a Python name: `format-hint` is `format_hint`."""
    parted = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    plain = re.sub(r"\W", "_", parted)
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def camel(name: str) -> str:
    """`askrene-age` is `AskreneAge`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[\W_]+", name))
