"""Registration of methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from clnwire._definition.methods import Method
from clnwire._definition.registration import NOTHING, Base, must_be_named
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
        name: str = NOTHING,
        *,
        description: str | None = None,
        category: str | None = None,
        deprecated: bool | Sequence[str] = False,
        thread: bool = False,
        replaces_native: bool = False,
    ) -> Callable[[F], F]:
        """Registers a function as a method of the daemon's JSON-RPC interface.

        The function's signature defines the params, by position or by name; params that do not
        fit are refused with code -32602 and the parameter's name. A parameter of type `Request`
        receives the request. The docstring is the default of `description`. An `RpcError` that the
        function raises is sent to the caller; any other exception is sent with code -32603, and
        logged.

        An `async def` runs in a task, concurrently with other handlers; with `thread=True` a plain
        function runs in a thread.

        `replaces_native=True` permits the name of a command of lightningd's built-in plugins, such
        as `keysend`, for nodes where that plugin is disabled (`disable-plugin=keysend`); other
        nodes refuse the plugin. Raises `UsageError` for a registration that cannot work.
        """
        must_be_named("method", name)

        def register(function: F) -> F:
            self._must_be_new("method", name, self.methods)
            if name in _LIFECYCLE:
                instead = "use @plugin.on_init" if name == "init" else "choose another name"
                raise UsageError(f"method '{name}': clnwire answers this method itself; {instead}")
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
    """Raises `UsageError` for a name of lightningd's, unless it is a built-in plugin's and
    `replaces_native` is true."""
    # Imported here so that a plugin without methods starts faster.
    from clnwire._wire.facts import BUILTIN, COMMANDS

    if name not in COMMANDS:
        return
    problem = f"method '{name}': lightningd has a command of that name, and would refuse the plugin"
    if name not in BUILTIN:
        raise UsageError(f"{problem}; choose another name")
    if not replaces_native:
        raise UsageError(
            f"{problem}; choose another name, or pass replaces_native=True if the built-in plugin "
            f"with {name} is disabled wherever this one runs"
        )
