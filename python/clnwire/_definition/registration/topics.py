"""Subscriptions. The stub, generated from the SPECs, gives handlers the event's type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from clnwire._definition.events import Subscription
from clnwire._definition.registration._base import Base, must_be_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

F = TypeVar("F", bound="Callable[..., Any]")


class Topics(Base):
    """Registers subscriptions."""

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """The registered subscriptions, in the order of their calls."""
        return self._definition.subscriptions

    def subscribe(self, topic: str, *, thread: bool = False) -> Callable[[F], F]:
        """Calls the function for every notification of the topic, in their order; `"*"` is all.

        An `async def` runs beside others, in a task, and with `thread=True` a plain function does
        so, in a thread; each waits until it has handled the topic's notification before.

        A parameter of type `Notification` receives the topic's name and the sending plugin's.
        """
        must_be_named("subscribe", topic)

        def register(function: F) -> F:
            self._must_be_open("subscription", topic)
            self._definition.subscriptions.append(Subscription(topic, function, thread=thread))
            return function

        return register
