"""Registration of functions for a plugin's start, its end, and the time between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from clnwire._definition.options import Option
from clnwire._definition.registration import NOTHING, Base
from clnwire._definition.signature import must_be_function
from clnwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


class Lifecycle(Base):
    """Registers functions that are not handlers of messages."""

    def on_init(self, function: F = NOTHING) -> F:
        """Calls the function at `init`, with the `Init` if it has a parameter.

        If it raises, the plugin is disabled, with the exception as the reason.
        """
        self._check(function, "on_init", most=1)
        self._definition.init_functions.append(function)
        return function

    def on_shutdown(self, function: F = NOTHING) -> F:
        """Calls the function before the plugin ends: after `shutdown`, end of input, SIGTERM or
        SIGINT."""
        self._check(function, "on_shutdown")
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
            self._check(function, "background")
            self._definition.background_functions.append(Background(function, fatal=fatal))
            return function

        return register if function is None else register(function)

    def every(self, seconds: float | Option[int], *, jitter: float = 0.1) -> Callable[[F], F]:
        """Calls the function after `init` and then every `seconds`, until the plugin ends.

        `seconds` may be an option's handle; its value is read before each round. Each interval is
        up to the fraction `jitter` shorter or longer, at random, so that nodes do not act in step.
        Rounds do not overlap: one that takes longer delays the next. If a round raises, the failure
        is logged, and the next round comes.

        An `async def` runs in a task, a plain function in a thread. At the end a task is cancelled;
        for a round in a thread the plugin waits, up to half of `shutdown_seconds`. Raises
        `UsageError` for a registration that cannot work.
        """
        from clnwire._definition.background import Background, check_seconds

        if not isinstance(seconds, Option):
            check_seconds(seconds)
        if not 0 <= jitter <= 1:
            raise UsageError(f"every: jitter must be from 0 to 1, not {jitter!r}")

        def register(function: F) -> F:
            self._check(function, "every")
            self._definition.background_functions.append(
                Background(function, period=seconds, jitter=jitter)
            )
            return function

        return register

    def _check(self, function: Callable[..., object], decorator: str, *, most: int = 0) -> None:
        must_be_function(function, decorator, most=most)
        self._must_be_open(f"{decorator} function", getattr(function, "__name__", "?"))
