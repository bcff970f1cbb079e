"""The requests that clnwire answers for every plugin: getmanifest, init, check, setconfig.

The daemon waits for the manifest, so modules that only later requests need are imported then.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from clnwire import _core
from clnwire._definition.current import handled
from clnwire._definition.functions import is_async, parameters_of
from clnwire._runtime.log import log_failure
from clnwire._runtime.manifest import manifest
from clnwire._runtime.routes import bind_hook, bind_method, bind_subscription, error_reply
from clnwire._wire.codec import encode, split
from clnwire._wire.dialect import detect_dialect
from clnwire._wire.older import event_decoder
from clnwire.error_codes import INVALID_PARAMS, METHOD_NOT_FOUND
from clnwire.errors import OptionError, RpcError, describe_error, refuse_unawaited, sendable
from clnwire.messages.getmanifest import GetManifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._definition.background import Background
    from clnwire._definition.events import Hook, Subscription
    from clnwire._definition.methods import Method
    from clnwire._definition.options import Option
    from clnwire._runtime.routes import Spawn
    from clnwire._runtime.run import Run
    from clnwire._wire.dialect import Dialect
    from clnwire.messages.check import Checked
    from clnwire.messages.getmanifest import Manifest
    from clnwire.messages.init import Disabled, Init
    from clnwire.messages.setconfig import ConfigSet


class Tasks(Protocol):
    """Starts tasks in the event loop."""

    def spawn(self, job: _core.Job) -> object:
        """Starts a task that handles a message."""
        ...

    def start(self, background: Background) -> None:
        """Starts a task for an async background function."""
        ...


def register(run: Run, tasks: Tasks | None = None) -> None:
    """Registers the routes of the start-up requests.

    `tasks` must be given if the plugin has an `async def`.
    """
    _Startup(run, tasks).offer_all()


class _Startup:
    def __init__(self, run: Run, tasks: Tasks | None) -> None:
        self._run, self._definition, self._driver = run, run.definition, run.driver
        self._log, self._tasks = run.log, tasks
        self._serves_disabled = False

    def offer_all(self) -> None:
        self.offer("getmanifest", self.getmanifest)
        if any(is_async(function) for function in self._definition.init_functions):
            self.offer("init", self.init_async, self._loop.spawn)
        else:
            self.offer("init", self.init)
        self.offer("check", self.check)
        self.offer("setconfig", self.setconfig)
        self._driver.on_unhandled(self.unhandled)

    @property
    def _loop(self) -> Tasks:
        assert self._tasks is not None, "an async plugin is served by an event loop"
        return self._tasks

    def offer(self, name: str, call: Callable[[bytes], object], spawn: Spawn | None = None) -> None:
        log = self._log
        self._driver.on_request(
            _core.Route(
                name,
                call=call,
                encode=encode,
                recover=lambda error, params: error_reply(name, error, log),
                spawn=spawn,
            )
        )

    def unhandled(self, what: str) -> None:
        """Logs a message that no handler is for: a newer daemon may send unknown ones."""
        self._log.debug(f"no handler for {what[:200]!r}")

    def getmanifest(self, params: bytes) -> Manifest:
        run = self._run
        asked = msgspec.json.decode(params, type=GetManifest | None) if params[:1] != b"[" else None
        allow = asked.allow_deprecated_apis if asked is not None else None
        run.allow_deprecated_apis = allow
        current = handled(self._driver)
        token = current.token if current is not None and current.token is not None else b""
        dialect = detect_dialect(token, allow_deprecated_apis=allow, version=run.version)
        if run.dialect is None:
            self._bind(dialect)
        return manifest(run, dialect)

    def _bind(self, dialect: Dialect) -> None:
        """Registers the handlers' routes for the daemon's dialect."""
        self._run.dialect = dialect
        self._log.use(dialect)
        self._watch_shutdown()
        if self._run.disabled is None:
            self._bind_handlers(dialect)
        else:
            self._serve_disabled(self._run.disabled)

    def _bind_handlers(self, dialect: Dialect) -> None:
        driver, log, definition = self._driver, self._log, self._definition
        for method in definition.methods.values():
            driver.on_request(bind_method(method, driver, log, dialect, self._spawn(method)))
        for hook in definition.hooks.values():
            driver.on_request(bind_hook(hook, driver, log, dialect, self._spawn(hook)))
        for subscription in definition.subscriptions:
            route = bind_subscription(subscription, driver, log, self._spawn(subscription))
            for topic in subscription.topics:
                driver.on_notification(None if topic == "*" else topic, route)

    def _spawn(self, handler: Method | Hook | Subscription) -> Spawn | None:
        """What starts a handler's jobs in a task or thread; `None` to call it in the driver."""
        if handler.is_async:
            return self._loop.spawn
        return self._run.pool.submit if handler.thread else None

    def _serve_disabled(self, reason: str) -> None:
        from clnwire._runtime.disabled import serve_disabled

        self._serves_disabled = True
        if self._run.dialect is None or not self._run.dialect.disables:
            self._log.error(f"disabled: {reason}")
        serve_disabled(self._run, reason)

    def _watch_shutdown(self) -> None:
        """Ends the plugin after `shutdown`.

        Registered before the author's subscriptions to `shutdown`, which are called as well, so
        that `shutdown_seconds` limits their time too.
        """
        log = self._log

        def failed(error: BaseException, params: bytes) -> bytes:
            log_failure(log, "shutdown", error)
            return b"null"

        self._driver.on_notification(
            "shutdown", _core.Route("shutdown", call=self._shut_down, recover=failed)
        )

    def _shut_down(self, params: bytes) -> None:
        if "db_write" not in self._definition.hooks:
            self._driver.stop()
            return
        from clnwire._runtime.leaving import leave_last

        self._run.is_shutdown_announced = True
        leave_last(self._run)

    def init(self, params: bytes) -> Disabled:
        try:
            init = self._take_init(params)
            for function in self._definition.init_functions:
                refuse_unawaited("on_init", _call_with_init(function, init))
        except Exception as error:
            self._init_failed(error)
        return self._initialised()

    async def init_async(self, params: bytes) -> Disabled:
        """Like `init`, for plugins with an `async def` among the `on_init` functions.

        Other messages are handled meanwhile.
        """
        try:
            init = self._take_init(params)
            for function in self._definition.init_functions:
                result = _call_with_init(function, init)
                if is_async(function) and isinstance(result, Awaitable):
                    await result
                else:
                    refuse_unawaited("on_init", result)
        except Exception as error:
            self._init_failed(error)
        return self._initialised()

    def _take_init(self, params: bytes) -> Init:
        from clnwire._runtime.init import decode_init

        init = decode_init(params, self._log)
        self._run.take_init(init)
        return init

    def _init_failed(self, error: Exception) -> None:
        # Disable the plugin: lightningd takes an error reply to `init` for success.
        log_failure(self._log, f"init: {describe_error(error)}", error)
        self._run.disabled = f"init failed: {describe_error(error)}"

    def _initialised(self) -> Disabled:
        from clnwire.messages.init import Disabled

        run = self._run
        run.is_initialised = True
        self._driver.set_initialised()
        if run.disabled is None:
            self._start_background()
        elif not self._serves_disabled:
            # Today's daemon ends the plugin after this answer; an older one keeps calling it.
            self._driver.forget_routes()
            self.offer_all()
            self._watch_shutdown()
            self._serve_disabled(run.disabled)
        return Disabled(run.disabled)

    def _start_background(self) -> None:
        for background in self._definition.background_functions:
            if background.is_async:
                self._loop.start(background)
            else:
                from clnwire._runtime.background import start_thread

                start_thread(self._run, background)

    def setconfig(self, params: bytes) -> ConfigSet:
        from clnwire.messages.setconfig import ConfigSet

        option, raw = self._dynamic_option(params)
        try:
            self._run.change_option(option, raw)
        except (OptionError, ValueError) as error:
            raise RpcError(INVALID_PARAMS, sendable(error)) from error
        return ConfigSet(option.name)

    def _dynamic_option(self, params: bytes) -> tuple[Option[Any], bytes | None]:
        from clnwire.messages.setconfig import SetConfig

        change = event_decoder(SetConfig)(params)
        option = self._definition.options.get(change.config)
        if option is None:
            raise RpcError(INVALID_PARAMS, f"setconfig: unknown option '{change.config}'")
        if not option.dynamic:
            raise RpcError(INVALID_PARAMS, f"setconfig: option '{option.name}' is not dynamic")
        return option, None if change.val is None else encode(change.val)

    def check(self, params: bytes) -> Checked:
        """Answers `check`: decodes the params of the call, without calling the handler."""
        from clnwire.messages.check import Checked

        name, rest = _checked_call(params)
        if name == "setconfig":
            option, raw = self._dynamic_option(rest)
            try:
                option.read_change(raw)
            except OptionError as error:
                raise RpcError(INVALID_PARAMS, sendable(error)) from error
        elif name in self._definition.methods:
            self._definition.methods[name].params.decode(rest)
        else:
            raise RpcError(METHOD_NOT_FOUND, f"check: unknown method '{name}'")
        return Checked(name)


def _checked_call(params: bytes) -> tuple[str, bytes]:
    """The method to check, and the JSON text of its params."""
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


def _call_with_init(function: Callable[..., object], init: Init) -> object:
    return function(init) if parameters_of(function) else function()
