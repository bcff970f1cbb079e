"""Registration of functions for a plugin's start, its end, and the time between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from clnwire._definition.registration._base import NOTHING, Base
from clnwire._definition.signature import must_be_function

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


class Lifecycle(Base):
    """Registers functions that are not handlers of messages."""

    def on_init(self, function: F = NOTHING) -> F:
        """Calls the function at `init`, with the `Init` if it has a parameter.

        If it raises, the plugin is disabled, with the exception as the reason.
        """
        must_be_function(function, "on_init", most=1)
        self._definition.init_functions.append(function)
        return function

    def on_shutdown(self, function: F = NOTHING) -> F:
        """Calls the function before the plugin ends: after `shutdown`, end of input, SIGTERM or
        SIGINT."""
        must_be_function(function, "on_shutdown", most=0)
        self._definition.shutdown_functions.append(function)
        return function

    @overload
    def background(self, function: F) -> F: ...
    @overload
    def background(self, *, fatal: bool = True) -> Callable[[F], F]: ...
    def background(self, function: F | None = None, *, fatal: bool = True) -> F | Callable[[F], F]:
        """Starts the function after `init`.

        An `async def` runs in a task, which is cancelled when the plugin ends. A plain function
        runs in a daemon thread, for which the plugin does not wait at its end. If the function
        raises, the exception is logged and, unless `fatal=False`, the plugin ends with status 1.
        """

        from clnwire._definition.background import Background

        def register(function: F) -> F:
            self._must_be_open("background function", getattr(function, "__name__", "?"))
            must_be_function(function, "background", most=0)
            self._definition.background_functions.append(Background(function, fatal=fatal))
            return function

        return register if function is None else register(function)
