"""The requests that clnwire answers for every plugin: getmanifest, init, check, setconfig.

What only the later ones need is imported when they come: the daemon waits for the manifest.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

import msgspec

from clnwire import _core
from clnwire._definition.current import handled
from clnwire._definition.functions import is_async, must_not_wait, parameters_of
from clnwire._definition.methods import split
from clnwire._runtime.manifest import announce_deprecated, announce_option
from clnwire._runtime.routes import bind_hook, bind_method, bind_subscription, error_reply
from clnwire._wire.codec import encode
from clnwire._wire.dialect import spoken
from clnwire._wire.older import event_decoder
from clnwire.error_codes import INVALID_PARAMS, METHOD_NOT_FOUND
from clnwire.errors import OptionError, RpcError, describe_error, sendable
from clnwire.messages.getmanifest import (
    FeatureBits,
    GetManifest,
    Manifest,
    ManifestHook,
    ManifestMethod,
    ManifestTopic,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._definition.methods import Method
    from clnwire._definition.options import Option
    from clnwire._runtime.routes import Hook, Later, Subscription
    from clnwire._wire.dialect import Dialect
    from clnwire.messages.check import Checked
    from clnwire.messages.init import Disabled, Init
    from clnwire.messages.setconfig import ConfigSet
    from clnwire.plugin import Plugin


def register(plugin: Plugin, driver: _core.Driver) -> None:
    """Makes the driver answer the start-up requests."""
    _Startup(plugin, driver).offer_all()


class _Startup:
    def __init__(self, plugin: Plugin, driver: _core.Driver) -> None:
        self._plugin, self._driver = plugin, driver
        self._serves_disabled = False

    def offer_all(self) -> None:
        self.offer("getmanifest", self.getmanifest)
        if any(is_async(function) for function in self._plugin.init_functions):
            self.offer("init", self.init_waiting, self.start_task)
        else:
            self.offer("init", self.init)
        self.offer("check", self.check)
        self.offer("setconfig", self.setconfig)
        self._driver.on_unhandled(self.unhandled)

    def offer(self, name: str, call: Callable[[bytes], object], later: Later | None = None) -> None:
        log = self._plugin.log
        self._driver.on_request(
            _core.Route(
                name,
                call=call,
                encode=encode,
                recover=lambda error, params: error_reply(name, error, log),
                later=later,
            )
        )

    def start_task(self, job: _core.Job) -> object:
        """The event loop is known later than this is registered."""
        return self._plugin.start_task(job)

    def unhandled(self, what: str) -> None:
        """A newer daemon may know more than we do; that is for the log, nothing else."""
        self._plugin.log.debug(f"nobody handles {what[:200]!r}")

    def getmanifest(self, params: bytes) -> Manifest:
        plugin = self._plugin
        asked = msgspec.json.decode(params, type=GetManifest | None) if params[:1] != b"[" else None
        allow = asked.allow_deprecated_apis if asked is not None else None
        plugin.allow_deprecated_apis = allow
        current = handled(self._driver)
        token = current.token if current is not None and current.token is not None else b""
        dialect = spoken(token, allow_deprecated_apis=allow, version=plugin.daemon_version)
        if plugin.dialect is None:
            self._bind(dialect)
        return manifest(plugin, dialect)

    def _bind(self, dialect: Dialect) -> None:
        """Builds the routes, now that the daemon's dialect is known."""
        plugin = self._plugin
        plugin.dialect = dialect
        plugin.log.use(dialect)
        self._watch_shutdown()
        if plugin.disabled is None:
            bind(plugin, self._driver, dialect)
        else:
            self._serve_disabled(plugin.disabled)

    def _serve_disabled(self, reason: str) -> None:
        from clnwire._runtime.disabled import serve_disabled

        self._serves_disabled = True
        if self._plugin.dialect is None or not self._plugin.dialect.disables:
            self._plugin.log.error(f"disabled: {reason}")
        serve_disabled(self._plugin, self._driver, reason)

    def _watch_shutdown(self) -> None:
        """Ends after `shutdown`. Registered before the plugin's own subscribers, which still see
        it, so that their time is limited."""
        log = self._plugin.log

        def failed(error: BaseException, params: bytes) -> bytes:
            log.exception("shutdown", error)
            return b"null"

        self._driver.on_notification(
            "shutdown", _core.Route("shutdown", call=self._shut_down, recover=failed)
        )

    def _shut_down(self, params: bytes) -> None:
        if "db_write" not in self._plugin.hooks:
            self._driver.stop()
            return
        from clnwire._runtime.leaving import leave_last

        self._plugin.shutdown_announced = True
        leave_last(self._plugin, self._driver)

    def init(self, params: bytes) -> Disabled:
        try:
            init = self._take_init(params)
            for function in self._plugin.init_functions:
                must_not_wait("on_init", _call_with_init(function, init))
        except Exception as error:
            self._init_failed(error)
        return self._initialised()

    async def init_waiting(self, params: bytes) -> Disabled:
        """`init`, if one of the functions is `async def`: others are served in the meantime."""
        try:
            init = self._take_init(params)
            for function in self._plugin.init_functions:
                result = _call_with_init(function, init)
                if is_async(function) and isinstance(result, Awaitable):
                    await result
                else:
                    must_not_wait("on_init", result)
        except Exception as error:
            self._init_failed(error)
        return self._initialised()

    def _init_failed(self, error: Exception) -> None:
        # An error reply would count as success.
        self._plugin.log.exception(f"init: {describe_error(error)}", error)
        self._plugin.disabled = f"init failed: {describe_error(error)}"

    def _initialised(self) -> Disabled:
        from clnwire.messages.init import Disabled

        plugin, driver = self._plugin, self._driver
        plugin.initialised = True
        driver.set_initialised()
        if plugin.disabled is None:
            self._start_background()
        elif not self._serves_disabled:
            # Today's daemon ends the plugin at this answer; an older one goes on asking it.
            driver.forget_routes()
            self.offer_all()
            self._watch_shutdown()
            self._serve_disabled(plugin.disabled)
        return Disabled(plugin.disabled)

    def _start_background(self) -> None:
        for background in self._plugin.background_functions:
            if background.is_async:
                self._plugin.start_background(background)
            else:
                background.start_thread(self._plugin, self._driver)

    def _take_init(self, params: bytes) -> Init:
        from clnwire._runtime.init import decode_init

        plugin = self._plugin
        init = decode_init(params, plugin.log)
        for option in plugin.options.values():
            self._take(option, init.options.get(option.name))
        plugin.init = init
        path = os.path.join(init.configuration.lightning_dir, init.configuration.rpc_file)  # noqa: PTH118
        plugin.use_socket(path)
        return init

    def _take(self, option: Option[Any], raw: bytes | None) -> None:
        dialect = self._plugin.dialect
        if raw == b'""' and dialect is not None and dialect.blanks_options:
            raw = None
        try:
            option.take(raw)
        except OptionError as error:
            self._plugin.log.error(f"{error}; reading it will raise, everything else works")

    def setconfig(self, params: bytes) -> ConfigSet:
        from clnwire.messages.setconfig import ConfigSet

        option, raw = self._dynamic_option(params)
        try:
            option.change(raw)
        except (OptionError, ValueError) as error:
            raise RpcError(INVALID_PARAMS, sendable(error)) from error
        return ConfigSet(option.name)

    def _dynamic_option(self, params: bytes) -> tuple[Option[Any], bytes | None]:
        from clnwire.messages.setconfig import SetConfig

        change = event_decoder(SetConfig)(params)
        option = self._plugin.options.get(change.config)
        if option is None:
            raise RpcError(INVALID_PARAMS, f"setconfig: unknown option '{change.config}'")
        if not option.dynamic:
            raise RpcError(INVALID_PARAMS, f"setconfig: option '{option.name}' is not dynamic")
        return option, None if change.val is None else encode(change.val)

    def check(self, params: bytes) -> Checked:
        """Checks a call without making it: its params are decoded, the handler is not called."""
        from clnwire.messages.check import Checked

        name, rest = _checked_call(params)
        if name == "setconfig":
            option, raw = self._dynamic_option(rest)
            try:
                option.check(raw)
            except OptionError as error:
                raise RpcError(INVALID_PARAMS, sendable(error)) from error
        elif name in self._plugin.methods:
            self._plugin.methods[name].params.decode(rest)
        else:
            raise RpcError(METHOD_NOT_FOUND, f"check: unknown method '{name}'")
        return Checked(name)


def _checked_call(params: bytes) -> tuple[str, bytes]:
    """The method that `check` is about, and the params it would be called with."""
    try:
        given = split(params)
        if isinstance(given, list):
            first, *others = given
            return msgspec.json.decode(first, type=str), b"[%s]" % b",".join(others)
        name = msgspec.json.decode(given.pop("command_to_check"), type=str)
        members = (encode(each) + b":" + value for each, value in given.items())
        return name, b"{%s}" % b",".join(members)
    except (msgspec.ValidationError, KeyError, ValueError):
        raise RpcError(INVALID_PARAMS, "check: missing parameter 'command_to_check'") from None


def bind(plugin: Plugin, driver: _core.Driver, dialect: Dialect) -> None:
    """Builds the routes of the plugin's own handlers."""
    for method in plugin.methods.values():
        later = _later(plugin, method)
        driver.on_request(bind_method(method, driver, plugin.log, dialect, later))
    for hook in plugin.hooks.values():
        driver.on_request(bind_hook(hook, driver, plugin.log, dialect, _later(plugin, hook)))
    for subscription in plugin.subscriptions:
        later = _later(plugin, subscription)
        route = bind_subscription(subscription, driver, plugin.log, later)
        for topic in subscription.topics:
            driver.on_notification(None if topic == "*" else topic, route)


def _later(plugin: Plugin, handler: Method | Hook | Subscription) -> Later | None:
    """What takes the messages of a handler that is not called at once."""
    if handler.is_async:
        return plugin.start_task
    return plugin.pool.submit if handler.thread else None


def _call_with_init(function: Callable[..., object], init: Init) -> object:
    return function(init) if parameters_of(function) else function()


def manifest(plugin: Plugin, dialect: Dialect) -> Manifest:
    """What the plugin offers, for a daemon of this dialect."""
    return Manifest(
        options=[announce_option(option, dialect) for option in plugin.options.values()],
        rpcmethods=_methods(plugin),
        subscriptions=[] if plugin.disabled else _subscriptions(plugin, dialect),
        hooks=[] if plugin.disabled else _hooks(plugin, dialect),
        notifications=[ManifestTopic(name) for name in plugin.topics],
        dynamic=plugin.dynamic,
        nonnumericids=True,
        cancheck=True,
        featurebits=_feature_bits(plugin),
        custommessages=plugin.custom_messages or None,
        disable=plugin.disabled,
    )


def _feature_bits(plugin: Plugin) -> FeatureBits | None:
    if not plugin.feature_bits:
        return None
    from clnwire.types import Hex

    return FeatureBits(**{where: Hex(text) for where, text in plugin.feature_bits.items()})


def _methods(plugin: Plugin) -> list[ManifestMethod]:
    return [
        ManifestMethod(
            method.name,
            method.usage,
            method.description,
            method.long_description,
            method.category,
            announce_deprecated(method.deprecated),
        )
        for method in plugin.methods.values()
    ]


def _subscriptions(plugin: Plugin, dialect: Dialect) -> list[str]:
    """Each topic once: the daemon would deliver one twice that `*` covers; `log` it does not."""
    topics = dict.fromkeys(name for each in plugin.subscriptions for name in each.topics)
    wants_all = "*" in topics
    must_know = plugin.shutdown_functions or "db_write" in plugin.hooks
    if must_know and dialect.takes_topic("shutdown") and not wants_all:
        topics["shutdown"] = None
    unknown = [topic for topic in topics if not dialect.takes_topic(topic)]
    for topic in unknown:
        plugin.log.error(f"no notifications of '{topic}': {dialect} ends a plugin that wants them")
        del topics[topic]
    if "*" in topics:
        return ["*", "log"] if "log" in topics else ["*"]
    return list(topics)


def _hooks(plugin: Plugin, dialect: Dialect) -> list[str | ManifestHook]:
    hooks = [hook for hook in plugin.hooks.values() if dialect.may_have_hook(hook.name)]
    for name in plugin.hooks.keys() - {hook.name for hook in hooks}:
        plugin.log.error(f"hook '{name}' is never called: {dialect} has none of that name")
    return [_hook(plugin, hook, dialect) for hook in hooks]


def _hook(plugin: Plugin, hook: Hook, dialect: Dialect) -> str | ManifestHook:
    if dialect.orders_hooks:
        before, after, filters = hook.before or None, hook.after or None, hook.filters or None
        return ManifestHook(hook.name, before, after, filters)
    if hook.before or hook.after or hook.filters:
        plugin.log.warn(f"hook '{hook.name}': {dialect} has neither before, after nor filters")
    return hook.name
