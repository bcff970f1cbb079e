"""Registration of subscriptions. The generated stub ties each topic to the type of its event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from clnwire._definition.events import Subscription, Topic
from clnwire._definition.registration._base import NOTHING, Base, must_be_named
from clnwire.errors import UsageError
from clnwire.notifications._catalogue import NATIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

F = TypeVar("F", bound="Callable[..., Any]")


class Topics(Base):
    """Registers subscriptions and custom topics."""

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """The registered subscriptions, in the order in which they are called."""
        return self._definition.subscriptions

    @property
    def topics(self) -> Mapping[str, Topic]:
        """The custom topics, by name."""
        return self._definition.topics

    def notify(self, method: str, params: object) -> None:
        """Sends a notification to the daemon."""
        raise NotImplementedError

    def topic(self, name: str) -> Topic:
        """Announces a custom topic, and returns the handle that publishes to it.

        Raises `UsageError` for a topic of lightningd's, and once the plugin runs.
        """
        self._must_be_new("topic", name, self._definition.topics)
        if name in NATIVE:
            raise UsageError(
                f"topic '{name}': lightningd has a topic of that name and would refuse the plugin"
            )
        topic = self._definition.topics[name] = Topic(self.notify, name)
        return topic

    def subscribe(
        self, topic: str = NOTHING, *, thread: bool = False, unknown: bool = False
    ) -> Callable[[F], F]:
        """Calls the function for every notification of the topic; `"*"` subscribes to all topics.

        An `async def` runs in a task, concurrently with other handlers; with `thread=True` a plain
        function runs in a thread. One subscription handles a topic's notifications one at a time,
        in the order in which they came.

        A parameter of type `Notification` receives the topic's name and the sending plugin's.
        `unknown=True` permits another plugin's topic whose name is almost one of lightningd's.
        """
        must_be_named("subscribe", topic)

        def register(function: F) -> F:
            self._must_be_open("subscription", topic)
            subscription = Subscription(topic, function, thread=thread, unknown=unknown)
            self._definition.subscriptions.append(subscription)
            return function

        return register
