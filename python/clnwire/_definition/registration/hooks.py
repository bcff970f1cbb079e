"""Hooks. The stub, generated from the SPECs, gives handlers the event's type and the answer's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from clnwire._definition.events import Hook
from clnwire._definition.registration._base import Base, must_be_named
from clnwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

F = TypeVar("F", bound="Callable[..., Any]")


class Hooks(Base):
    """Registers hooks."""

    @property
    def hooks(self) -> Mapping[str, Hook]:
        """The registered hooks, by name."""
        return self._definition.hooks

    def hook(
        self,
        name: str,
        *,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        filters: Sequence[str | int] = (),
        on_failure: object = None,
        thread: bool = False,
    ) -> Callable[[F], F]:
        """Has the daemon ask this function, and wait for its answer.

        `before` and `after` name plugins in the hook's chain; `filters` are method names
        (`rpc_command`) or message numbers (`custommsg`).

        If the function raises, is cancelled, or answers something that is no answer, or if it
        cannot be called since the event cannot be decoded, the log gets an error and the daemon
        `on_failure`: one of the hook's answers, or `"refuse"` for the answer that says no. Without
        it, that is the hook's safe answer.

        An `async def` runs beside others, in a task. With `thread=True` a plain function does so,
        in a thread.
        """
        must_be_named("hook", name)

        def register(function: F) -> F:
            self._must_be_new("hook", name, self.hooks)
            if isinstance(before, str) or isinstance(after, str):
                raise UsageError(f"hook '{name}': before and after are lists of plugins' names")
            if isinstance(filters, str):
                raise UsageError(f"hook '{name}': filters are a list, such as ['{filters}']")
            self._definition.hooks[name] = Hook(
                name,
                function,
                before=[*before],
                after=[*after],
                filters=[*filters],
                on_failure=on_failure,
                thread=thread,
            )
            return function

        return register
