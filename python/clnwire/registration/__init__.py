"""What a plugin offers: options, methods, hooks, subscriptions, and what runs at its start and end.

Each part has its module; what it does with them when it runs is in `clnwire.startup`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from clnwire.registration.hooks import Hooks
from clnwire.registration.methods import Methods
from clnwire.registration.options import Options
from clnwire.registration.topics import Topics
from clnwire.signature import refuse_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._handlers import AnyHandler

F = TypeVar("F", bound="AnyHandler")


class Registration(Options, Methods, Hooks, Topics):
    """Where a plugin's parts are registered, until it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.init_functions: list[Callable[..., object]] = []
        self.shutdown_functions: list[Callable[[], object]] = []

    def on_init(self, function: F) -> F:
        """Calls the function when the daemon is ready, with the `Init` if it has a parameter.

        If it raises, the plugin is disabled with that reason.
        """
        refuse_async(function, "on_init")
        self.init_functions.append(function)
        return function

    def on_shutdown(self, function: F) -> F:
        """Calls the function before the plugin ends: at `shutdown`, end of input, SIGTERM."""
        refuse_async(function, "on_shutdown")
        self.shutdown_functions.append(function)
        return function
