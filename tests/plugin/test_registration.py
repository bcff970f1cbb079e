"""Registrations that cannot work are refused, with the line to write instead."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, NewType

import pytest

from clnwire import Plugin, Request, RpcError, UsageError
from clnwire.hooks import HtlcAccepted, HtlcFail, PeerConnected
from clnwire.notifications import Connect, Disconnect


class Millisatoshi:
    """Stands for pyln-client's."""

    __module__ = "pyln.client.lightning"


def of_another_hook(event: HtlcAccepted) -> None: ...
def an_answer(event: HtlcFail) -> None: ...
def of_another_topic(event: Disconnect) -> None: ...
def members(onion, htlc, plugin, **kwargs) -> None: ...
def takes_plugin(name: str, plugin) -> None: ...
def takes_request(request, name: str) -> None: ...
def takes_amount(amount: Millisatoshi) -> None: ...
def takes_two(options, configuration) -> None: ...
def takes_plugin_alone(plugin) -> None: ...
def takes_by_name(*, plugin) -> None: ...


WRONG: list[tuple[Callable[[Plugin], Any], str]] = [
    (
        lambda plugin: plugin.hook("peer_connected")(of_another_hook),
        (
            "hook 'peer_connected': HtlcAccepted is not its event; annotate the parameter as "
            "PeerConnected"
        ),
    ),
    (
        lambda plugin: plugin.hook("htlc_accepted")(an_answer),
        "hook 'htlc_accepted': HtlcFail is not its event; annotate the parameter as HtlcAccepted",
    ),
    (
        lambda plugin: plugin.subscribe("connect")(of_another_topic),
        "subscription to 'connect': Disconnect is not its event; annotate the parameter as Connect",
    ),
    (
        lambda plugin: plugin.hook("htlc_accepted")(members),
        (
            "takes exactly one parameter for the event, not onion, htlc, plugin, kwargs; write "
            "def handler(event: HtlcAccepted), and use event.MEMBER and the plugin object itself"
        ),
    ),
    (
        lambda plugin: plugin.hook("htlc_acepted"),
        (
            "hook 'htlc_acepted': lightningd has no such hook; did you mean "
            "'htlc_accepted'?; for one of a newer lightningd, pass unknown=True"
        ),
    ),
    (
        lambda plugin: plugin.subscribe("forward_events"),
        (
            "subscription to 'forward_events': lightningd has no such topic; did you mean "
            "'forward_event'? For a topic of another plugin, pass unknown=True"
        ),
    ),
    (lambda plugin: plugin.hook(), "@plugin.hook needs a name: @plugin.hook('name')"),
    (
        lambda plugin: plugin.subscribe(),
        "@plugin.subscribe needs a name: @plugin.subscribe('name')",
    ),
    (lambda plugin: plugin.method(), "@plugin.method needs a name: @plugin.method('name')"),
    (
        lambda plugin: plugin.on_init(),
        "write @plugin.on_init, without parentheses, above a function",
    ),
    (
        lambda plugin: plugin.on_shutdown(),
        "write @plugin.on_shutdown, without parentheses, above a function",
    ),
    (
        lambda plugin: plugin.on_init(takes_two),
        "on_init: the function takes one parameter at most, the Init, not options, configuration",
    ),
    (
        lambda plugin: plugin.on_init(takes_by_name),
        "on_init: the function takes one parameter at most, the Init, not plugin",
    ),
    (
        lambda plugin: plugin.on_shutdown(takes_plugin_alone),
        "on_shutdown: the function takes no parameters, not plugin; use the plugin object itself",
    ),
    (
        lambda plugin: plugin.background(takes_plugin_alone),
        "background: the function takes no parameters, not plugin; use the plugin object itself",
    ),
    (
        lambda plugin: plugin.method("hello")(takes_plugin),
        (
            "method 'hello': callers would have to give 'plugin'; leave it out, and use the plugin "
            "object itself"
        ),
    ),
    (
        lambda plugin: plugin.method("hello")(takes_request),
        (
            "method 'hello': callers would have to give 'request'; annotate it, "
            "`request: clnwire.Request`"
        ),
    ),
    (
        lambda plugin: plugin.method("hello")(takes_amount),
        "method 'hello': annotate 'amount' as clnwire.types.Msat, an int in msat",
    ),
    (lambda plugin: RpcError("no", -1), "RpcError takes the code first: RpcError(-1, 'no')"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("register", "line"), WRONG)
def test_what_cannot_work(register: Callable[[Plugin], Any], line: str) -> None:
    with pytest.raises(UsageError, match=re.escape(line)):
        result = register(Plugin())
        if callable(result):  # A decorator refuses when it gets the function.
            result(lambda event: None)


def test_what_works() -> None:
    plugin = Plugin()
    plugin.hook("hook_of_tomorrow", unknown=True)(lambda event: {"result": "continue"})
    plugin.subscribe("connected", unknown=True)(lambda event: None)
    plugin.subscribe("topic_of_a_plugin")(lambda event: None)
    plugin.subscribe("*")(lambda event: None)

    @plugin.hook("peer_connected")
    def on_peer(event: PeerConnected) -> None: ...

    @plugin.subscribe("connect")
    def on_connect(event: Connect) -> None: ...

    @plugin.method("hello")
    def hello(request: Request, plugin: str = "x") -> None: ...

    @plugin.method("stop-one")
    def stop_one(plugin=None, *request) -> None: ...

    plugin.on_init(lambda init: None)
    plugin.on_init(lambda: None)
    plugin.on_init(lambda init, more=1: None)
    plugin.on_shutdown(lambda: None)
    assert sorted(plugin.hooks) == ["hook_of_tomorrow", "peer_connected"]


class Store:
    """A handler with a state."""

    def __call__(self, event: Connect) -> None: ...
    def answer(self, name: str, count: int = 2) -> str:
        """Says it.

        Twice, mostly.
        """
        return name * count


class Greeter:
    async def __call__(self, name: str) -> str:
        return name


def with_store(store: Store, event: Connect) -> None: ...
def on_event(event: Connect, *, store: Store) -> None: ...
def untold(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **named: Any) -> Any:
        return function(*args, **named)

    return call


@pytest.mark.parametrize(
    "handler",
    [
        Store(),
        functools.partial(with_store, Store()),
        functools.partial(on_event, store=Store()),
        functools.partial(Store()),
        untold(Store()),
        lambda event, store=1, *, more=2: None,
    ],
)
def test_callables_as_handlers(handler: Callable[..., Any]) -> None:
    Plugin().subscribe("connect")(handler)
    Plugin().hook("hook_of_tomorrow", unknown=True)(handler)


@pytest.mark.parametrize(
    "handler", [lambda **members: None, lambda event, **members: None, lambda event, plugin=1: None]
)
def test_handlers_of_members(handler: Callable[..., Any]) -> None:
    with pytest.raises(UsageError):
        Plugin().subscribe("connect")(handler)


def test_callables_as_methods() -> None:
    plugin = Plugin()
    plugin.method("partial")(functools.partial(Store().answer, count=3))
    plugin.method("object")(Greeter())
    answer = plugin.methods["partial"]
    assert (answer.usage, answer.description) == ("name", "Says it.")
    decoded = answer.params.decode(b'["ab"]')
    assert answer.params.bind(answer.function)(decoded) == "ababab"
    assert plugin.methods["object"].is_async


def test_an_amount_of_the_author() -> None:
    def pay(amount) -> None: ...

    pay.__annotations__["amount"] = NewType("Millisatoshi", int)
    Plugin().method("pay-it")(pay)
