"""What a plugin offers: options, methods, hooks, subscriptions, and what runs at its start and end.

The overloads give handlers and options their exact types; what they have in common is below them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from clnwire.binding import Hook, Subscription
from clnwire.errors import UsageError
from clnwire.methods import Method
from clnwire.options import Option
from clnwire.signature import refuse_async

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from clnwire._handlers import (
        AnyHandler,
        ConnectHandler,
        DbWriteHandler,
        DisconnectHandler,
        HtlcAcceptedHandler,
        InvoicePaymentHandler,
        PeerConnectedHandler,
    )
    from clnwire.options import OptionType

    DbWriteF = TypeVar("DbWriteF", bound=DbWriteHandler)
    PeerConnectedF = TypeVar("PeerConnectedF", bound=PeerConnectedHandler)
    InvoicePaymentF = TypeVar("InvoicePaymentF", bound=InvoicePaymentHandler)
    HtlcAcceptedF = TypeVar("HtlcAcceptedF", bound=HtlcAcceptedHandler)
    ConnectF = TypeVar("ConnectF", bound=ConnectHandler)
    DisconnectF = TypeVar("DisconnectF", bound=DisconnectHandler)

F = TypeVar("F", bound="AnyHandler")
_LIFECYCLE = frozenset(("getmanifest", "init", "check", "setconfig"))


class Registration:
    """Where a plugin's parts are registered, until it runs."""

    def __init__(self) -> None:
        self.options: dict[str, Option[Any]] = {}
        self.methods: dict[str, Method] = {}
        self.hooks: dict[str, Hook] = {}
        self.subscriptions: list[Subscription] = []
        self.init_functions: list[Callable[..., object]] = []
        self.shutdown_functions: list[Callable[[], object]] = []
        self._closed = False

    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: Literal["flag"],
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[bool], object] | None = None,
    ) -> Option[bool]: ...
    @overload
    def option(
        self,
        name: str,
        default: str,
        *,
        type: Literal["string", "string-conceal"] | type[str] = ...,
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[str], object] | None = None,
    ) -> Option[str]: ...
    @overload
    def option(
        self,
        name: str,
        default: bool,
        *,
        type: Literal["bool", "flag"] | type[bool] = ...,
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[bool], object] | None = None,
    ) -> Option[bool]: ...
    @overload
    def option(
        self,
        name: str,
        default: int,
        *,
        type: Literal["int"] | type[int] = ...,
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[int], object] | None = None,
    ) -> Option[int]: ...
    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: Literal["bool"] | type[bool],
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[bool], object] | None = None,
    ) -> Option[bool | None]: ...
    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: Literal["int"] | type[int],
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[int], object] | None = None,
    ) -> Option[int | None]: ...
    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: Literal["string", "string-conceal"] | type[str] = ...,
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[str], object] | None = None,
    ) -> Option[str | None]: ...
    @overload
    def option(
        self,
        name: str,
        default: list[int],
        *,
        type: Literal["int"] | type[int] = ...,
        description: str = "",
        multi: Literal[True],
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[list[int]], object] | None = None,
    ) -> Option[list[int]]: ...
    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: Literal["int"] | type[int],
        description: str = "",
        multi: Literal[True],
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[list[int]], object] | None = None,
    ) -> Option[list[int]]: ...
    @overload
    def option(
        self,
        name: str,
        default: list[str] | None = None,
        *,
        type: Literal["string", "string-conceal"] | type[str] = ...,
        description: str = "",
        multi: Literal[True],
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[list[str]], object] | None = None,
    ) -> Option[list[str]]: ...
    def option(
        self,
        name: str,
        default: Any = None,
        *,
        type: OptionType | type | None = None,
        description: str = "",
        multi: bool = False,
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[Any], object] | None = None,
    ) -> Option[Any]:
        """Adds a command-line option to the daemon; gives a handle with its `.value`.

        Without a `type` the default's own decides. `multi`: may be given several times. `dynamic`:
        `setconfig` may change it; `on_change` is called with the new value before it holds, and
        refuses it by raising. Raises `UsageError` for what the daemon would refuse.
        """
        self._must_be_new("option", name, self.options)
        option: Option[Any] = Option(
            name,
            default,
            type=type,
            description=description,
            multi=multi,
            dynamic=dynamic,
            deprecated=deprecated,
            on_change=on_change,
        )
        self.options[name] = option
        return option

    def method(
        self,
        name: str,
        *,
        description: str | None = None,
        category: str | None = None,
        deprecated: bool | Sequence[str] = False,
    ) -> Callable[[F], F]:
        """Offers a function as a method of the daemon's JSON-RPC interface.

        Its signature says what it takes: calls by position and by name both work, and what does
        not fit is refused with -32602 and the parameter's name. A parameter of type `Request`
        receives the request. The docstring is the description. A raised `RpcError` goes to the
        caller; any other exception does so as -32603, and into the log.
        """
        _must_be_named("method", name)

        def register(function: F) -> F:
            self._must_be_new("method", name, self.methods)
            if name in _LIFECYCLE:
                raise UsageError(f"method '{name}': the daemon's own; clnwire answers it")
            self.methods[name] = Method(
                name, function, description=description, category=category, deprecated=deprecated
            )
            return function

        return register

    @overload
    def hook(
        self,
        name: Literal["db_write"],
        *,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
    ) -> Callable[[DbWriteF], DbWriteF]: ...
    @overload
    def hook(
        self,
        name: Literal["peer_connected"],
        *,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
    ) -> Callable[[PeerConnectedF], PeerConnectedF]: ...
    @overload
    def hook(
        self,
        name: Literal["invoice_payment"],
        *,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
    ) -> Callable[[InvoicePaymentF], InvoicePaymentF]: ...
    @overload
    def hook(
        self,
        name: Literal["htlc_accepted"],
        *,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
    ) -> Callable[[HtlcAcceptedF], HtlcAcceptedF]: ...
    @overload
    def hook(
        self,
        name: str,
        *,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        filters: Sequence[str | int] = (),
    ) -> Callable[[F], F]: ...
    def hook(
        self,
        name: str,
        *,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        filters: Sequence[str | int] = (),
    ) -> Callable[[F], F]:
        """Has the daemon ask this function, and wait for its answer.

        `before` and `after` name plugins in the hook's chain; `filters` are method names
        (`rpc_command`) or message numbers (`custommsg`). If the function raises, or answers
        something that is no answer, the daemon gets the hook's safe answer and the log an error.
        """
        _must_be_named("hook", name)

        def register(function: F) -> F:
            self._must_be_new("hook", name, self.hooks)
            if isinstance(before, str) or isinstance(after, str):
                raise UsageError(f"hook '{name}': before and after are lists of plugins' names")
            if isinstance(filters, str):
                raise UsageError(f"hook '{name}': filters are a list, such as ['{filters}']")
            self.hooks[name] = Hook(
                name, function, before=[*before], after=[*after], filters=[*filters]
            )
            return function

        return register

    @overload
    def subscribe(self, topic: Literal["connect"]) -> Callable[[ConnectF], ConnectF]: ...
    @overload
    def subscribe(self, topic: Literal["disconnect"]) -> Callable[[DisconnectF], DisconnectF]: ...
    @overload
    def subscribe(self, topic: str) -> Callable[[F], F]: ...
    def subscribe(self, topic: str) -> Callable[[F], F]:
        """Calls the function for every notification of the topic, in their order; `"*"` is all.

        A parameter of type `Notification` receives the topic's name and the sending plugin's.
        """
        _must_be_named("subscribe", topic)

        def register(function: F) -> F:
            self._must_be_open("subscription", topic)
            self.subscriptions.append(Subscription(topic, function))
            return function

        return register

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

    def _must_be_new(self, kind: str, name: str, registered: Mapping[str, object]) -> None:
        self._must_be_open(kind, name)
        if name in registered:
            raise UsageError(f"{kind} '{name}' is registered twice")

    def _must_be_open(self, kind: str, name: str) -> None:
        if self._closed:
            raise UsageError(f"{kind} '{name}': register it before run()")


def _must_be_named(decorator: str, name: object) -> None:
    """`@plugin.hook` without a name takes the function for it, and would never register it."""
    if not isinstance(name, str):
        raise UsageError(f"@plugin.{decorator} needs a name: @plugin.{decorator}('name')")
