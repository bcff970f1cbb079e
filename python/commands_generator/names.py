"""Python names for the names in the schemas."""

from __future__ import annotations

import keyword
import re
from typing import Final

METHODS: Final = {"currencyrates": "listcurrencyrates"}
"""A schema's `rpc` → the command's name, for schemas whose `rpc` is wrong according to their own
text."""


def attribute(name: str) -> str:
    """A member's or a command's name as a Python name, such as `format_hint` for `format-hint`."""
    parted = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    plain = re.sub(r"\W", "_", parted)
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def camel(name: str) -> str:
    """The name in CamelCase, such as `AskreneAge` for `askrene-age`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[\W_]+", name))
