"""`Plugin` with pyln-client's interface: what it calls, answers and writes is pyln-client's.

What differs is in docs/pyln.md, under "What is mended". One handler runs at a time, in the order of
arrival, on the thread that called `run`.
"""

from __future__ import annotations

import copy
import logging
import os
import sys
from collections.abc import Callable
from threading import RLock, get_ident
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from clnwire._core import Framer, MalformedError
from clnwire._wire.environment import LIGHTNINGD_PLUGIN, LIGHTNINGD_VERSION
from clnwire._wire.levels import CURRENT_LEVELS
from clnwire.pyln import binding, transport, usage
from clnwire.pyln.connections import Connections
from clnwire.pyln.declared import BUILT_IN, OPTION_TYPES, Method, MethodType, Option, hook_fallbacks
from clnwire.pyln.encoding import decode_init, decoders, dumps, loads, use_fast_decoder
from clnwire.pyln.lightning import LightningRpc, Millisatoshi
from clnwire.pyln.request import PENDING, Request, RequestState, RpcException, places
from clnwire.pyln.streams import PluginLogHandler, PluginStream, monkey_patch

if TYPE_CHECKING:
    import inspect
    from collections.abc import Iterable

    from clnwire._core import Frame
    from clnwire.pyln.request import Places

__all__ = [
    "JSONType",
    "JsonDecoratorType",
    "LightningRpc",
    "Method",
    "MethodType",
    "Millisatoshi",
    "NoneDecoratorType",
    "Option",
    "Plugin",
    "PluginLogHandler",
    "PluginStream",
    "Request",
    "RequestState",
    "RpcException",
    "hook_fallbacks",
    "monkey_patch",
]

JSONType: TypeAlias = str | int | float | bool | dict[str, Any] | list[Any] | None
"""What JSON has."""
NoneDecoratorType: TypeAlias = Callable[..., Callable[..., None]]
JsonDecoratorType: TypeAlias = Callable[..., Callable[..., JSONType]]

METHOD_NOT_FOUND: Final = -32601
PARSE_ERROR: Final = -32700
MOST_LOGGED: Final = 200_000
"""Characters of a log line: lightningd aborts at 262,144 bytes of escaped text."""


class UnknownNameError(ValueError):
    """The plugin has no such method, or no handler of such a topic."""


class Plugin:
    """A plugin of lightningd."""

    def __init__(
        self,
        stdout: Any = None,
        stdin: Any = None,
        autopatch: bool = True,
        dynamic: bool = True,
        init_features: int | str | bytes | None = None,
        node_features: int | str | bytes | None = None,
        invoice_features: int | str | bytes | None = None,
        custom_msgs: list[int] | None = None,
    ) -> None:
        """`autopatch`: what is printed becomes log lines. Features are a number, hexadecimal text,
        or bytes. Raises `ValueError` for others."""
        self.methods: dict[str, Method] = {
            "init": Method("init", self._init),
            "setconfig": Method("setconfig", self._set_config),
        }
        self.options: dict[str, Option] = {}
        self.notification_topics: list[str] = []
        self.custom_msgs = custom_msgs
        self.featurebits = {
            "init": _feature_bits(init_features),
            "node": _feature_bits(node_features),
            "invoice": _feature_bits(invoice_features),
        }
        self.subscriptions: dict[str, Callable[..., Any]] = {}
        self.lightning_version = os.getenv(LIGHTNINGD_VERSION) or None
        self.stdin = stdin or sys.stdin
        self.stdout = stdout or sys.stdout
        if transport.is_daemons_child() and autopatch:
            pipes = transport.pipes()
            self.stdin, self.stdout = stdin or pipes.stdin, stdout or pipes.stdout
            monkey_patch(self, stdout=True, stderr=True)
        self.add_method("getmanifest", self._getmanifest, background=False)
        self.rpc_filename: str | None = None
        self.lightning_dir: str | None = None
        self.rpc: LightningRpc | None = None
        self.startup = True
        self.dynamic = dynamic
        self.child_init: Callable[..., Any] | None = None
        self.write_lock = RLock()
        self._serving: int | None = None
        os.register_at_fork(after_in_child=self._renew_lock)
        handler = PluginLogHandler(self)
        handler.setFormatter(logging.Formatter("%(name)-12s: %(message)s"))
        logging.getLogger("").addHandler(handler)

    # What a plugin declares.

    def add_method(
        self,
        name: str,
        func: Callable[..., Any],
        background: bool = False,
        deprecated: bool | list[str] | None = None,
        description: str | None = None,
    ) -> None:
        """Adds a method; with `background`, the handler answers by `request.set_result`.

        Raises `ValueError` if there is one of this name.
        """
        if name in self.methods:
            raise ValueError(f"Name {name} is already bound to a method.")
        method = Method(name, func, MethodType.RPCMETHOD, deprecated, description)
        method.background = background
        self.methods[name] = method

    def method(
        self,
        method_name: str,
        category: str | None = None,
        desc: str | None = None,
        long_desc: str | None = None,
        deprecated: bool | list[str] | None = None,
        description: str | None = None,
    ) -> Callable[..., Any]:
        """Adds a method; its docstring is the description."""
        old = {"Category": category, "Description": desc, "Long description": long_desc}

        def add(function: Callable[..., Any]) -> None:
            self._warn_of_old(method_name, old)
            self.add_method(method_name, function, False, deprecated, function.__doc__)

        return _decorator(add)

    def async_method(
        self,
        method_name: str,
        category: str | None = None,
        desc: str | None = None,
        long_desc: str | None = None,
        deprecated: bool | list[str] | None = None,
    ) -> Callable[..., Any]:
        """Adds a method that answers by `request.set_result`, at any time."""
        old = {"Category": category, "Description": desc, "Long description": long_desc}

        def add(function: Callable[..., Any]) -> None:
            self._warn_of_old(method_name, old)
            self.add_method(method_name, function, True, deprecated)

        return _decorator(add)

    def _warn_of_old(self, method: str, old: dict[str, str | None]) -> None:
        for name, value in old.items():
            if value is not None:
                self.log(
                    f"{name} is deprecated but defined in method {method}; it will be ignored by "
                    "Core Lightning",
                    level="warn",
                )

    def add_hook(
        self,
        name: str,
        func: Callable[..., Any],
        background: bool = False,
        before: list[str] | None = None,
        after: list[str] | None = None,
        filters: list[str | int] | None = None,
    ) -> None:
        """Adds a hook. Raises `ValueError` if there is a method or hook of this name."""
        if name in self.methods:
            raise ValueError(f"Method {name} was already registered")
        self._suggest_keywords("Hook", func, name)
        method = Method(name, func, MethodType.HOOK)
        method.background = background
        method.before, method.after, method.filters = before or [], after or [], filters
        self.methods[name] = method

    def hook(
        self,
        method_name: str,
        before: list[str] | None = None,
        after: list[str] | None = None,
        filters: list[str | int] | None = None,
    ) -> Callable[..., Any]:
        """Adds a hook."""
        return _decorator(
            lambda function: self.add_hook(method_name, function, False, before, after, filters)
        )

    def async_hook(self, method_name: str) -> Callable[..., Any]:
        """Adds a hook that answers by `request.set_result`, at any time."""
        return _decorator(lambda function: self.add_hook(method_name, function, background=True))

    def add_subscription(self, topic: str, func: Callable[..., Any]) -> None:
        """Subscribes to a topic; `*` is all. Raises `ValueError` if it has a handler."""
        if topic in self.subscriptions:
            raise ValueError(f"Topic {topic} already has a handler")
        self._suggest_keywords("Notification", func, topic)
        self.subscriptions[topic] = func

    def subscribe(self, topic: str) -> Callable[..., Any]:
        """Subscribes to a topic; `*` is all."""
        return _decorator(lambda function: self.add_subscription(topic, function))

    def _suggest_keywords(self, kind: str, func: Callable[..., Any], name: str) -> None:
        if not binding.takes_more_keywords(func):
            self.log(
                f"{kind} handler {func.__name__} for {kind.lower()} {name} does not have a "
                "variable keyword argument. It is strongly suggested to add `**kwargs` as last "
                "parameter to hook and notification handlers.",
                level="warn",
            )

    def init(self) -> Callable[..., Any]:
        """Registers what runs at the daemon's `init`; its result is the reply."""

        def add(function: Callable[..., Any]) -> None:
            if self.child_init is not None:
                raise ValueError("The @plugin.init decorator should only be used once")
            self.child_init = function

        return _decorator(add)

    def add_option(
        self,
        name: str,
        default: Any,
        description: str | None,
        opt_type: str = "string",
        deprecated: bool | list[str] | None = None,
        multi: bool = False,
        dynamic: bool = False,
        on_change: Callable[[Any, str, Any], None] | None = None,
    ) -> None:
        """Adds an option. `on_change` is called before `setconfig` sets the value.

        Raises `ValueError`.
        """
        if name in self.options:
            raise ValueError(f"Name {name} is already used by another option")
        if opt_type not in OPTION_TYPES:
            raise ValueError(f"{opt_type} not in supported type set ({', '.join(OPTION_TYPES)})")
        if on_change is not None and not dynamic:
            raise ValueError(f"Option {name} has on_change callback but is not dynamic")
        kept = False if deprecated is None else deprecated
        self.options[name] = Option(
            name, default, description, opt_type, None, multi, kept, dynamic, on_change
        )

    def add_flag_option(
        self,
        name: str,
        description: str,
        deprecated: bool | list[str] | None = None,
        dynamic: bool = False,
    ) -> None:
        """Adds an option without a value. Raises `ValueError`."""
        self.add_option(name, None, description, "flag", deprecated, dynamic=dynamic)

    def get_option(self, name: str) -> Any:
        """The value, or the default while there is none. Raises `ValueError` for unknown names."""
        if name not in self.options:
            raise ValueError(f"No option with name {name} registered")
        option = self.options[name]
        return option.default if option.value is None else option.value

    def add_notification_topic(self, topic: str) -> None:
        """Announces a topic that the plugin publishes by `notify`."""
        self.notification_topics.append(topic)

    # What a plugin sends.

    def log(self, message: object, level: object = "info") -> None:
        """Sends a line of the daemon's log for each line of the message."""
        level = CURRENT_LEVELS.get(level, "info") if isinstance(level, str) else "info"
        is_own = type(self).notify is Plugin.notify and "notify" not in self.__dict__
        for line in str(message).split("\n"):
            params = {"level": level, "message": line[:MOST_LOGGED]}
            if is_own:
                self._write_locked({"jsonrpc": "2.0", "method": "log", "params": params})
            else:
                self.notify("log", params)

    def notify(self, method: str, params: Any) -> None:
        """Publishes on a topic that was announced, in the form of old and of new daemons."""
        if method not in params:
            new = copy.copy(params)
            new[method] = params
            params = new
        self._write_locked({"jsonrpc": "2.0", "method": method, "params": params})

    def notify_message(self, request: Request, message: str, level: str = "info") -> None:
        """Sends a message to the caller of a request."""
        request.notify(message=message, level=level)

    def notify_progress(
        self,
        request: Request,
        progress: int,
        progress_total: int,
        stage: int | None = None,
        stage_total: int | None = None,
    ) -> None:
        """Tells the caller of a request how far it is."""
        request.progress(progress, progress_total, stage, stage_total)

    def _write_locked(self, obj: Any) -> None:
        message = (dumps(obj) + "\n\n").encode()
        with self.write_lock:
            self.stdout.buffer.write(message)
            self.stdout.flush()

    @property
    def _has_short_way(self) -> bool:
        """Whether no link of the way from an answer to the daemon was replaced."""
        return (
            self.stdout.__class__ is transport.DaemonStream
            and type(self)._write_locked is _WRITE_LOCKED
            and "_write_locked" not in self.__dict__
        )

    def _send_reply(self, reply: bytes) -> None:
        with self.write_lock:
            transport.pipes().write(reply)

    def _renew_lock(self) -> None:
        # Another thread of the parent may hold it.
        self.write_lock = RLock()

    # What a plugin does with messages.

    def run(self) -> None:
        """Serves until the input ends. Started by a user, it prints the usage instead."""
        if os.environ.get(LIGHTNINGD_PLUGIN) != "1":
            self.print_usage()
        elif transport.original(self.stdout) and self.stdin is transport.pipes().stdin:
            self._serve(transport.pipes().frames())
        else:
            self._serve(_cut(self.stdin.buffer))

    def _serve(self, frames: Iterable[Frame]) -> None:
        self._serving = get_ident()
        self._served_at = places(sys._getframe())  # pyright: ignore[reportPrivateUsage]
        try:
            for frame in frames:
                self._handle(frame)
        except MalformedError as error:
            self.log(f"the input ended inside a message: {error}", level="warn")
        finally:
            self._served_at = None
        Connections.are_kept = False

    _served_at: Places | None = None
    """Where the answers come from that handlers return."""

    def _would_ask_itself(self, command: str) -> bool:
        """Whether the daemon asks this plugin about a command that its serving thread calls."""
        hook = self.methods.get("rpc_command")
        return (
            hook is not None
            and hook.mtype == MethodType.HOOK
            and (not hook.filters or command in hook.filters)
            and get_ident() == self._serving
        )

    def _handle(self, frame: Frame) -> None:
        message: Any
        if (fault := frame.fault) is None:
            message = decoders[-1](frame.bytes)
        elif frame.method == "init":
            message = decode_init(frame)
        else:
            message_id = None if frame.id is None else loads(frame.id)
            self._refuse(message_id, PARSE_ERROR, f"the message is not JSON: {fault}")
            return
        if message.__class__ is not dict or "method" not in message:
            self.log(f"a message without a method was ignored: {frame!r}", level="warn")
            return
        request = self._parse_request(message)
        try:
            if request.id is not None:
                self._dispatch_request(request)
            else:
                self._dispatch_notification(request)
        except UnknownNameError as error:
            self._refuse(request.id, METHOD_NOT_FOUND, str(error))

    def _refuse(self, message_id: Any, code: int, message: str) -> None:
        self.log(message, level="warn")
        if message_id is not None:
            error = {"code": code, "message": message}
            self._write_locked({"jsonrpc": "2.0", "id": message_id, "error": error})

    def _multi_dispatch(self, msgs: list[bytes]) -> bytes:
        for message in msgs[:-1]:
            framer = Framer()
            framer.feed(message + b"\n\n")
            for frame in framer:
                self._handle(frame)
        return msgs[-1]

    def _parse_request(self, jsrequest: dict[str, Any]) -> Request:
        get = jsrequest.get
        name = jsrequest["method"]
        if name.__class__ is not str:
            name = str(name)
        return Request(self, get("id"), name, get("params", {}), False, get("origin"))

    def _dispatch_request(self, request: Request) -> None:
        name = request.method
        method = self.methods.get(name)
        if method is None:
            # Without a manifest there is no plugin.
            raise_as = ValueError if name == "getmanifest" else UnknownNameError
            raise raise_as(f"No method {name} found.")
        request.background = method.background
        try:
            result = self._exec_func(method.func, request)
            if not method.background:
                if request.state is PENDING:
                    request._answered_at = self._served_at  # pyright: ignore[reportPrivateUsage]
                request.set_result(result)
        except Exception as error:
            self._answer_failed(request, error)

    def _answer_failed(self, request: Request, error: Exception) -> None:
        from traceback import format_exc

        if request.state is not PENDING:
            self.log(format_exc())
        elif request.method in hook_fallbacks:
            response = hook_fallbacks[request.method]
            self.log(
                f"Hook handler for {request.method} failed with an exception. Returning safe "
                f"fallback response {response} to avoid crashing the main daemon. Please contact "
                "the plugin author!",
                level="error",
            )
            request.set_result(response)
            self.log(format_exc())
        else:
            request.set_exception(error)
            self.log(format_exc())

    def _dispatch_notification(self, request: Request) -> None:
        topic = request.method
        params: Any = request.params
        function = self.subscriptions.get(topic) or self.subscriptions.get("*")
        if function is None:
            raise UnknownNameError(f"No subscription for {topic} found.")
        if topic == "shutdown":
            Connections.are_kept = False
        if isinstance(params, dict):
            self._complete(topic, params, request.origin)  # pyright: ignore[reportUnknownArgumentType]
        try:
            self._exec_func(function, request)
        except Exception:
            from traceback import format_exc

            self.log(format_exc())

    def _complete(self, topic: str, params: dict[str, Any], origin: str | None) -> None:
        """Gives a notification's params the form of old and of new daemons."""
        if "payload" in params and topic not in params:
            params[topic] = params["payload"]
        elif "payload" not in params and topic in params and self.deprecated_apis:
            params["payload"] = params[topic]
        if origin and "origin" not in params:
            params["origin"] = origin

    deprecated_apis: bool = True

    def _exec_func(self, func: Callable[..., Any], request: Request) -> Any:
        token = transport.handling.set((self.rpc, request.id, request))
        try:
            kind: type = request.params.__class__
            if kind is dict or issubclass(kind, dict):
                return self._call_by_name(func, request)
            if not issubclass(kind, list):
                raise TypeError("Parameters to function call must be either a dict or a list.")
            return self._call_by_position(func, request)
        finally:
            transport.handling.reset(token)

    def _call_by_name(self, func: Callable[..., Any], request: Request) -> Any:
        if type(self)._bind_kwargs is _BIND_KWARGS and "_bind_kwargs" not in self.__dict__:
            arguments = binding.quick_arguments(func, request.params, self, request)
            if arguments is not None:
                return func(**arguments)
        bound = self._bind_kwargs(func, request.params, request)
        return func(*bound.args, **bound.kwargs)

    def _call_by_position(self, func: Callable[..., Any], request: Request) -> Any:
        if type(self)._bind_pos is _BIND_POS and "_bind_pos" not in self.__dict__:
            arguments = binding.quick_positions(func, request.params, self, request)
            if arguments is not None:
                return func(**arguments)
        bound = self._bind_pos(func, request.params, request)
        return func(*bound.args, **bound.kwargs)

    def _bind_kwargs(
        self, func: Callable[..., Any], params: dict[str, Any], request: Request
    ) -> inspect.BoundArguments:
        return binding.bind_names(func, params, self, request)

    def _bind_pos(
        self, func: Callable[..., Any], params: list[Any], request: Request
    ) -> inspect.BoundArguments:
        return binding.bind_positions(func, params, self, request)

    # The methods of every plugin.

    def _getmanifest(self, **kwargs: Any) -> dict[str, Any]:
        # The daemon of 0.9.0 and before did not say.
        self.deprecated_apis = kwargs.get("allow-deprecated-apis", True)
        offered = [method for method in self.methods.values() if method.name not in BUILT_IN]
        manifest: dict[str, Any] = {
            "options": [option.json() for option in self.options.values()],
            "rpcmethods": [_rpc_method(each) for each in offered if each.mtype != MethodType.HOOK],
            "subscriptions": list(self.subscriptions),
            "hooks": [_hook(each) for each in offered if each.mtype == MethodType.HOOK],
            "dynamic": self.dynamic,
            "nonnumericids": True,
            "notifications": [{"method": name} for name in self.notification_topics],
            "featurebits": {k: bits for k, bits in self.featurebits.items() if bits is not None},
        }
        if self.custom_msgs is not None:
            manifest["custommessages"] = self.custom_msgs
        return manifest

    def _init(
        self, options: dict[str, Any], configuration: dict[str, Any], request: Request
    ) -> Any:
        self.rpc_filename = file = _checked(configuration, "rpc-file", str, "string")
        self.lightning_dir = folder = _checked(configuration, "lightning-dir", str, "string")
        self.rpc = LightningRpc(os.path.join(folder, file))
        self.startup = _checked(configuration, "startup", bool, "bool")
        for name, value in options.items():
            self.options[name].value = value
        use_fast_decoder()
        if self.child_init is None:
            return None
        return self._exec_func(self.child_init, request)

    def _set_config(self, config: str, val: Any) -> None:
        option = self.options[config]
        if option.on_change is not None:
            option.on_change(self, config, val)
        option.value = val

    def get_usage(self) -> str:
        """What a user reads who starts the plugin by hand."""
        return usage.text(self.methods.values(), self.options.values())

    def print_usage(self) -> None:
        """Prints the usage."""
        sys.stdout.write(f"{self.get_usage()}\n")


_WRITE_LOCKED: Final = Plugin._write_locked  # pyright: ignore[reportPrivateUsage]
_BIND_KWARGS: Final = Plugin._bind_kwargs  # pyright: ignore[reportPrivateUsage]
_BIND_POS: Final = Plugin._bind_pos  # pyright: ignore[reportPrivateUsage]
"""A plugin may replace each of them."""


def _decorator(add: Callable[[Callable[..., Any]], None]) -> Callable[..., Any]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        add(function)
        return function

    return register


def _cut(stream: Iterable[bytes]) -> Iterable[Frame]:
    framer = Framer()
    for data in stream:
        framer.feed(data)
        yield from framer


def _feature_bits(bits: int | str | bytes | None) -> str | None:
    if bits is None or isinstance(bits, str):
        return bits
    if isinstance(bits, int):
        import math

        return bits.to_bytes(math.ceil(math.log(bits, 256)), "big").hex()
    if type(bits) is not bytes:
        raise ValueError("Could not convert featurebits to hex-encoded string")
    return bits.hex()


def _rpc_method(method: Method) -> dict[str, Any]:
    description = "" if method.description is None else method.description
    return {"name": method.name, "usage": method.get_usage(), "description": description}


def _hook(method: Method) -> dict[str, Any]:
    hook: dict[str, Any] = {"name": method.name, "before": method.before, "after": method.after}
    if method.filters:
        hook["filters"] = method.filters
    return hook


def _checked(configuration: dict[str, Any], key: str, kind: type, name: str) -> Any:
    value = configuration.get(key)
    if not isinstance(value, kind):
        raise TypeError(f"Wrong argument to init: expected {key} to be a {name}, got {value}")
    return value
