"""Subscriptions: the overloads give handlers the event's type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar, overload

from clnwire._definition.events import Subscription
from clnwire._definition.registration._base import Base, must_be_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clnwire._definition import handlers as _handlers
    from clnwire._definition.handlers import AnyHandler

F = TypeVar("F", bound="AnyHandler")


class Topics(Base):
    """Registers subscriptions."""

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """The registered subscriptions, in the order of their calls."""
        return self._definition.subscriptions

    @overload
    def subscribe(
        self, topic: Literal["balance_snapshot"], *, thread: bool = False
    ) -> Callable[[_handlers.BalanceSnapshotT], _handlers.BalanceSnapshotT]: ...
    @overload
    def subscribe(
        self, topic: Literal["block_added"], *, thread: bool = False
    ) -> Callable[[_handlers.BlockAddedT], _handlers.BlockAddedT]: ...
    @overload
    def subscribe(
        self, topic: Literal["channel_open_failed"], *, thread: bool = False
    ) -> Callable[[_handlers.ChannelOpenFailedT], _handlers.ChannelOpenFailedT]: ...
    @overload
    def subscribe(
        self, topic: Literal["channel_opened"], *, thread: bool = False
    ) -> Callable[[_handlers.ChannelOpenedT], _handlers.ChannelOpenedT]: ...
    @overload
    def subscribe(
        self, topic: Literal["channel_state_changed"], *, thread: bool = False
    ) -> Callable[[_handlers.ChannelStateChangedT], _handlers.ChannelStateChangedT]: ...
    @overload
    def subscribe(
        self, topic: Literal["coin_movement"], *, thread: bool = False
    ) -> Callable[[_handlers.CoinMovementT], _handlers.CoinMovementT]: ...
    @overload
    def subscribe(
        self, topic: Literal["connect"], *, thread: bool = False
    ) -> Callable[[_handlers.ConnectT], _handlers.ConnectT]: ...
    @overload
    def subscribe(
        self, topic: Literal["custommsg"], *, thread: bool = False
    ) -> Callable[[_handlers.CustomMsgT], _handlers.CustomMsgT]: ...
    @overload
    def subscribe(
        self, topic: Literal["deprecated_oneshot"], *, thread: bool = False
    ) -> Callable[[_handlers.DeprecatedOneshotT], _handlers.DeprecatedOneshotT]: ...
    @overload
    def subscribe(
        self, topic: Literal["disconnect"], *, thread: bool = False
    ) -> Callable[[_handlers.DisconnectT], _handlers.DisconnectT]: ...
    @overload
    def subscribe(
        self, topic: Literal["forward_event"], *, thread: bool = False
    ) -> Callable[[_handlers.ForwardEventT], _handlers.ForwardEventT]: ...
    @overload
    def subscribe(
        self, topic: Literal["invoice_creation"], *, thread: bool = False
    ) -> Callable[[_handlers.InvoiceCreationT], _handlers.InvoiceCreationT]: ...
    @overload
    def subscribe(
        self, topic: Literal["invoice_payment"], *, thread: bool = False
    ) -> Callable[[_handlers.InvoicePaymentEventT], _handlers.InvoicePaymentEventT]: ...
    @overload
    def subscribe(
        self, topic: Literal["log"], *, thread: bool = False
    ) -> Callable[[_handlers.LogEventT], _handlers.LogEventT]: ...
    @overload
    def subscribe(
        self, topic: Literal["onionmessage_forward_fail"], *, thread: bool = False
    ) -> Callable[[_handlers.OnionMessageForwardFailT], _handlers.OnionMessageForwardFailT]: ...
    @overload
    def subscribe(
        self, topic: Literal["openchannel_peer_sigs"], *, thread: bool = False
    ) -> Callable[[_handlers.OpenChannelPeerSigsT], _handlers.OpenChannelPeerSigsT]: ...
    @overload
    def subscribe(
        self, topic: Literal["pay_part_end", "xpay_pay_part_end"], *, thread: bool = False
    ) -> Callable[[_handlers.PayPartEndT], _handlers.PayPartEndT]: ...
    @overload
    def subscribe(
        self, topic: Literal["pay_part_start", "xpay_pay_part_start"], *, thread: bool = False
    ) -> Callable[[_handlers.PayPartStartT], _handlers.PayPartStartT]: ...
    @overload
    def subscribe(
        self, topic: Literal["plugin_started"], *, thread: bool = False
    ) -> Callable[[_handlers.PluginStartedT], _handlers.PluginStartedT]: ...
    @overload
    def subscribe(
        self, topic: Literal["plugin_stopped"], *, thread: bool = False
    ) -> Callable[[_handlers.PluginStoppedT], _handlers.PluginStoppedT]: ...
    @overload
    def subscribe(
        self, topic: Literal["sendpay_failure"], *, thread: bool = False
    ) -> Callable[[_handlers.SendPayFailureT], _handlers.SendPayFailureT]: ...
    @overload
    def subscribe(
        self, topic: Literal["sendpay_success"], *, thread: bool = False
    ) -> Callable[[_handlers.SendPaySuccessT], _handlers.SendPaySuccessT]: ...
    @overload
    def subscribe(
        self, topic: Literal["shutdown"], *, thread: bool = False
    ) -> Callable[[_handlers.ShutdownT], _handlers.ShutdownT]: ...
    @overload
    def subscribe(
        self, topic: Literal["warning"], *, thread: bool = False
    ) -> Callable[[_handlers.WarningEventT], _handlers.WarningEventT]: ...
    @overload
    def subscribe(self, topic: str, *, thread: bool = False) -> Callable[[F], F]: ...
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
