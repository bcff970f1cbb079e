"""Hooks: the overloads give handlers the event's type, and the answer's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, overload

from clnwire._definition.events import Hook
from clnwire._definition.registration._base import Base, must_be_named
from clnwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from clnwire._definition import handlers as _handlers
    from clnwire._definition.handlers import AnyHandler
    from clnwire.hooks import (
        commitment_revocation,
        custommsg,
        db_write,
        htlc_accepted,
        invoice_payment,
        onion_message_recv,
        onion_message_recv_secret,
        openchannel,
        openchannel2,
        peer_connected,
        rbf_channel,
        recover,
        rpc_command,
    )

    Names: TypeAlias = Sequence[str]
    """Names of plugins."""
    Refusing: TypeAlias = Literal["refuse"]
    """The hook's answer that says no."""

F = TypeVar("F", bound="AnyHandler")


class Hooks(Base):
    """Registers hooks."""

    @property
    def hooks(self) -> Mapping[str, Hook]:
        """The registered hooks, by name."""
        return self._definition.hooks

    @overload
    def hook(
        self,
        name: Literal["commitment_revocation"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: commitment_revocation.Answer | Refusing | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.CommitmentRevocationF], _handlers.CommitmentRevocationF]: ...
    @overload
    def hook(
        self,
        name: Literal["custommsg"],
        *,
        before: Names = (),
        after: Names = (),
        filters: Sequence[int] = (),
        on_failure: custommsg.Answer | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.CustomMsgF], _handlers.CustomMsgF]: ...
    @overload
    def hook(
        self,
        name: Literal["db_write"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: db_write.Answer | Refusing | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.DbWriteF], _handlers.DbWriteF]: ...
    @overload
    def hook(
        self,
        name: Literal["htlc_accepted"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: htlc_accepted.Answer | Refusing | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.HtlcAcceptedF], _handlers.HtlcAcceptedF]: ...
    @overload
    def hook(
        self,
        name: Literal["invoice_payment"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: invoice_payment.Answer | Refusing | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.InvoicePaymentF], _handlers.InvoicePaymentF]: ...
    @overload
    def hook(
        self,
        name: Literal["onion_message_recv"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: onion_message_recv.Answer | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.OnionMessageRecvF], _handlers.OnionMessageRecvF]: ...
    @overload
    def hook(
        self,
        name: Literal["onion_message_recv_secret"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: onion_message_recv_secret.Answer | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.OnionMessageRecvSecretF], _handlers.OnionMessageRecvSecretF]: ...
    @overload
    def hook(
        self,
        name: Literal["openchannel"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: openchannel.Answer | Refusing | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.OpenChannelF], _handlers.OpenChannelF]: ...
    @overload
    def hook(
        self,
        name: Literal["openchannel2"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: openchannel2.Answer | Refusing | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.OpenChannel2F], _handlers.OpenChannel2F]: ...
    @overload
    def hook(
        self,
        name: Literal["openchannel2_changed"],
        *,
        before: Names = (),
        after: Names = (),
        thread: bool = False,
    ) -> Callable[[_handlers.OpenChannel2ChangedF], _handlers.OpenChannel2ChangedF]: ...
    @overload
    def hook(
        self,
        name: Literal["openchannel2_sign"],
        *,
        before: Names = (),
        after: Names = (),
        thread: bool = False,
    ) -> Callable[[_handlers.OpenChannel2SignF], _handlers.OpenChannel2SignF]: ...
    @overload
    def hook(
        self,
        name: Literal["peer_connected"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: peer_connected.Answer | Refusing | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.PeerConnectedF], _handlers.PeerConnectedF]: ...
    @overload
    def hook(
        self,
        name: Literal["rbf_channel"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: rbf_channel.Answer | Refusing | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.RbfChannelF], _handlers.RbfChannelF]: ...
    @overload
    def hook(
        self,
        name: Literal["recover"],
        *,
        before: Names = (),
        after: Names = (),
        on_failure: recover.Answer | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.RecoverF], _handlers.RecoverF]: ...
    @overload
    def hook(
        self,
        name: Literal["rpc_command"],
        *,
        before: Names = (),
        after: Names = (),
        filters: Sequence[str] = (),
        on_failure: rpc_command.Answer | Refusing | None = None,
        thread: bool = False,
    ) -> Callable[[_handlers.RpcCommandF], _handlers.RpcCommandF]: ...
    @overload
    def hook(
        self,
        name: str,
        *,
        before: Names = (),
        after: Names = (),
        filters: Sequence[str | int] = (),
        on_failure: dict[str, Any] | None = None,
        thread: bool = False,
    ) -> Callable[[F], F]: ...
    def hook(
        self,
        name: str,
        *,
        before: Names = (),
        after: Names = (),
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
