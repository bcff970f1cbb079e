"""Which names a new plugin may have."""

from __future__ import annotations

import keyword
import re
import sys
from typing import Final

from clnwire._wire.facts import COMMANDS

LONGEST: Final = 24
"""Characters; the templates keep to their line length up to this."""
_FORM: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TAKEN: Final = frozenset(("clnwire", "conftest", "msgspec", "pytest", "setup", "src", "tests"))
"""Modules that a plugin of that name would shadow."""


def problem(name: str) -> str | None:
    """What is wrong with a plugin's name, and what to do; `None` if it is valid."""
    module = name.replace("-", "_")
    if _FORM.fullmatch(name) is None:
        return (
            f"{name!r} is not a valid name: it consists of a-z, 0-9 and single '-' between them, "
            "and begins with a letter, such as fee-watch"
        )
    if len(name) > LONGEST:
        return f"'{name}' has {len(name)} characters; choose a name of at most {LONGEST}"
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        return f"'{name}' is a Python keyword; choose another name"
    if module in sys.stdlib_module_names or module in _TAKEN or module.startswith("test_"):
        return f"'{name}' is the name of another module; choose another name"
    if name in COMMANDS:
        return f"'{name}' is a command of lightningd; choose another name"
    return None
