"""Methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from clnwire._definition.methods import Method
from clnwire._definition.registration._base import Base, must_be_named
from clnwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

F = TypeVar("F", bound="Callable[..., Any]")
_LIFECYCLE = frozenset(("getmanifest", "init", "check", "setconfig"))


class Methods(Base):
    """Registers methods."""

    @property
    def methods(self) -> Mapping[str, Method]:
        """The registered methods, by name."""
        return self._definition.methods

    def method(
        self,
        name: str,
        *,
        description: str | None = None,
        category: str | None = None,
        deprecated: bool | Sequence[str] = False,
        thread: bool = False,
        replaces_native: bool = False,
    ) -> Callable[[F], F]:
        """Offers a function as a method of the daemon's JSON-RPC interface.

        Its signature says what it takes: calls by position and by name both work, and what does
        not fit is refused with -32602 and the parameter's name. A parameter of type `Request`
        receives the request. The docstring is the description. A raised `RpcError` goes to the
        caller; any other exception does so as -32603, and into the log.

        An `async def` runs beside others, in a task. With `thread=True` a plain function does so,
        in a thread.

        `replaces_native=True` takes the name of a command of one of lightningd's built-in plugins,
        such as `keysend`, for nodes where that plugin is disabled (`disable-plugin=keysend`); on
        others the daemon refuses the plugin.
        """
        must_be_named("method", name)

        def register(function: F) -> F:
            self._must_be_new("method", name, self.methods)
            if name in _LIFECYCLE:
                raise UsageError(f"method '{name}': the daemon's own; clnwire answers it")
            _must_be_free(name, replaces_native=replaces_native)
            self._definition.methods[name] = Method(
                name,
                function,
                description=description,
                category=category,
                deprecated=deprecated,
                thread=thread,
            )
            return function

        return register


def _must_be_free(name: str, *, replaces_native: bool) -> None:
    """Raises `UsageError` for a command of the daemon's that is not to be replaced, or cannot."""
    # A plugin without methods does not pay for the names.
    from clnwire._wire.facts import BUILTIN, COMMANDS

    if name not in COMMANDS:
        return
    problem = f"method '{name}': lightningd has a command of that name, and would refuse the plugin"
    if name not in BUILTIN:
        raise UsageError(f"{problem}; choose another name")
    if not replaces_native:
        raise UsageError(
            f"{problem}; choose another name, or say replaces_native=True if the built-in plugin "
            f"with {name} is disabled wherever this one runs"
        )
