"""What a plugin offers: options, methods, hooks, subscriptions, and what runs at its start and end.

Each part has its module; what it does with them when it runs is in `clnwire._runtime.startup`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, overload

from clnwire._definition.functions import is_async
from clnwire._definition.registration.hooks import Hooks
from clnwire._definition.registration.methods import Methods
from clnwire._definition.registration.options import Options
from clnwire._definition.registration.topics import Topics
from clnwire._definition.signature import refuse_generator

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._definition.background import Background
    from clnwire._definition.handlers import AnyHandler

F = TypeVar("F", bound="AnyHandler")


class Registration(Options, Methods, Hooks, Topics):
    """Where a plugin's parts are registered, until it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.init_functions: list[Callable[..., object]] = []
        self.shutdown_functions: list[Callable[[], object]] = []
        self.background_functions: list[Background] = []

    def on_init(self, function: F) -> F:
        """Calls the function when the daemon is ready, with the `Init` if it has a parameter.

        If it raises, the plugin is disabled with that reason.
        """
        refuse_generator(function, "on_init")
        self.init_functions.append(function)
        return function

    def on_shutdown(self, function: F) -> F:
        """Calls the function before the plugin ends: at `shutdown`, end of input, SIGTERM."""
        refuse_generator(function, "on_shutdown")
        self.shutdown_functions.append(function)
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
            self.background_functions.append(Background(function, fatal=fatal))
            return function

        return register if function is None else register(function)

    @property
    def is_async(self) -> bool:
        """Whether there is an `async def`, so that the plugin is served by an event loop."""
        return (
            any(method.is_async for method in self.methods.values())
            or any(hook.is_async for hook in self.hooks.values())
            or any(subscription.is_async for subscription in self.subscriptions)
            or any(background.is_async for background in self.background_functions)
            or any(is_async(each) for each in (*self.init_functions, *self.shutdown_functions))
        )
