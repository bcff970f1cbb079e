"""Whole numbers by the width that the daemon gives them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from clnwire.types._rules import Unsigned

U8: TypeAlias = Annotated[int, Unsigned(8)]
"""An unsigned number of 8 bits."""
U16: TypeAlias = Annotated[int, Unsigned(16)]
"""An unsigned number of 16 bits."""
U32: TypeAlias = Annotated[int, Unsigned(32)]
"""An unsigned number of 32 bits."""
U64: TypeAlias = Annotated[int, Unsigned(64)]
"""An unsigned number of 64 bits."""
