"""Methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from clnwire._facts import COMMANDS
from clnwire.errors import UsageError
from clnwire.methods import Method
from clnwire.registration._base import Base, must_be_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clnwire._handlers import AnyHandler

F = TypeVar("F", bound="AnyHandler")
_LIFECYCLE = frozenset(("getmanifest", "init", "check", "setconfig"))


class Methods(Base):
    """Registers methods."""

    def __init__(self) -> None:
        super().__init__()
        self.methods: dict[str, Method] = {}

    def method(
        self,
        name: str,
        *,
        description: str | None = None,
        category: str | None = None,
        deprecated: bool | Sequence[str] = False,
        thread: bool = False,
    ) -> Callable[[F], F]:
        """Offers a function as a method of the daemon's JSON-RPC interface.

        Its signature says what it takes: calls by position and by name both work, and what does
        not fit is refused with -32602 and the parameter's name. A parameter of type `Request`
        receives the request. The docstring is the description. A raised `RpcError` goes to the
        caller; any other exception does so as -32603, and into the log.

        An `async def` runs beside others, in a task. With `thread=True` a plain function does so,
        in a thread.
        """
        must_be_named("method", name)

        def register(function: F) -> F:
            self._must_be_new("method", name, self.methods)
            if name in _LIFECYCLE:
                raise UsageError(f"method '{name}': the daemon's own; clnwire answers it")
            if name in COMMANDS:
                raise UsageError(
                    f"method '{name}': lightningd has a command of that name, and would refuse "
                    "the plugin; choose another name"
                )
            self.methods[name] = Method(
                name,
                function,
                description=description,
                category=category,
                deprecated=deprecated,
                thread=thread,
            )
            return function

        return register
