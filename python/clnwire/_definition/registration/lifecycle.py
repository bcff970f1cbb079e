"""What runs at a plugin's start, beside its handlers, and at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from clnwire._definition.registration._base import Base
from clnwire._definition.signature import refuse_generator

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


class Lifecycle(Base):
    """Registers functions that no message is for."""

    def on_init(self, function: F) -> F:
        """Calls the function when the daemon is ready, with the `Init` if it has a parameter.

        If it raises, the plugin is disabled with that reason.
        """
        refuse_generator(function, "on_init")
        self._definition.init_functions.append(function)
        return function

    def on_shutdown(self, function: F) -> F:
        """Calls the function before the plugin ends: at `shutdown`, end of input, SIGTERM."""
        refuse_generator(function, "on_shutdown")
        self._definition.shutdown_functions.append(function)
        return function

    @overload
    def background(self, function: F) -> F: ...
    @overload
    def background(self, *, fatal: bool = True) -> Callable[[F], F]: ...
    def background(self, function: F | None = None, *, fatal: bool = True) -> F | Callable[[F], F]:
        """Starts the function after `init`: an `async def` in a task, which is cancelled at the
        end, a plain one in a thread, which does not keep the plugin.

        If it raises, that is logged and the plugin ends with status 1, unless `fatal=False`.
        """

        from clnwire._definition.background import Background

        def register(function: F) -> F:
            self._must_be_open("background function", getattr(function, "__name__", "?"))
            refuse_generator(function, "background")
            self._definition.background_functions.append(Background(function, fatal=fatal))
            return function

        return register if function is None else register(function)
