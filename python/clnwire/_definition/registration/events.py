"""Registration of hooks and subscriptions. The generated stub ties each to the types of its event
and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from clnwire._definition.events import Hook, Subscription, Topic
from clnwire._definition.registration import NOTHING, Base, must_be_named
from clnwire.errors import UsageError
from clnwire.notifications._catalogue import NATIVE

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
        name: str = NOTHING,
        *,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        filters: Sequence[str | int] = (),
        on_failure: object = None,
        thread: bool = False,
        unknown: bool = False,
    ) -> Callable[[F], F]:
        """Registers a function for a hook: the daemon waits for its answer.

        `before` and `after` list the plugins before and after which the daemon calls this one.
        `filters` are method names (`rpc_command`) or message types (`custommsg`).

        If the event cannot be decoded, or the function raises, is cancelled or returns an invalid
        answer, the failure is logged and the daemon gets `on_failure`: an answer of the hook, or
        `"refuse"` for the answer by which the hook refuses. The default is the hook's safe answer
        (docs/plugin.md).

        An `async def` runs in a task, concurrently with other handlers; with `thread=True` a plain
        function runs in a thread. `unknown=True` permits a hook that only a newer lightningd has.
        Raises `UsageError` for a registration that cannot work.
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
                unknown=unknown,
            )
            return function

        return register


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
