"""Background functions, which run from `init` until the plugin ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire._definition.functions import is_async
from clnwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


class Background:
    """A background function as it was registered."""

    def __init__(self, function: Callable[[], object], *, fatal: bool) -> None:
        if not callable(function):
            raise UsageError("@plugin.background(fatal=...) takes keyword arguments only")
        self.function, self.fatal = function, fatal
        self.name = getattr(function, "__name__", repr(function))
        self.is_async = is_async(function)
