"""Starts one plugin or a set of plugins, in the daemon's order: manifest, options, `init`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import json

from clnwire._wire.facts import BUILTIN
from clnwire.host.errors import HostError, ManifestError, PluginDiedError
from clnwire.host.rules.decoding import UndecodableError, as_object, decoded
from clnwire.host.rules.manifest import Option, check_manifest
from clnwire.host.rules.options import check_known, resolved, settings_text

if TYPE_CHECKING:
    from clnwire._core import Frame
    from clnwire.host.database import Database
    from clnwire.host.parts import Parts
    from clnwire.host.plugins.launcher import PluginSpec
    from clnwire.host.plugins.plugin import Plugin

Values: TypeAlias = Mapping[str, object]
"""Option values by name: text as a user writes it, Python values, or `Given`."""
Options: TypeAlias = "Values | Callable[[Mapping[str, Option]], Values]"
"""Option values, or a function that takes the plugins' options and returns the values."""
Migrations: TypeAlias = Sequence[Sequence[str]]
MIGRATIONS: Final[Migrations] = (
    (
        "CREATE TABLE version (version INTEGER)",
        "INSERT INTO version VALUES (1)",
        "CREATE TABLE vars (name TEXT, intval INTEGER, PRIMARY KEY (name))",
    ),
)
"""The default `db_write` sets before `init`: they create a small database."""
LATER_START: Final[Migrations] = (("REPLACE INTO vars VALUES ('last_start', 1)",),)
"""`db_write` sets for later starts: lightningd also commits before `init` of an old database."""


class Boot:
    """Starts plugins. The time-outs are in seconds; `None` is no limit."""

    def __init__(
        self,
        host: Parts,
        database: Database,
        open_socket: Callable[[], Awaitable[None]],
        manifest_timeout: float | None,
        init_timeout: float | None,
    ) -> None:
        self._host, self._database, self._open_socket = host, database, open_socket
        self._manifest_timeout, self._init_timeout = manifest_timeout, init_timeout
        self._loaded: list[Plugin] = []
        self._running = False
        """Whether a start has reached `init` before; `init` then has `startup: false`."""

    async def start(
        self,
        plugin: Plugin,
        options: Options,
        migrations: Migrations,
        *,
        must_be_dynamic: bool = False,
        caller: bytes | None = None,
    ) -> None:
        """Asks one plugin for its manifest and waits until it has answered `init`.

        On any error the plugin is killed and the error is raised. `must_be_dynamic` is for the
        command `plugin start`: refuses a plugin that is not dynamic, and reuses the options that
        the user set before. `caller` is the id token of that command.
        """
        self._host.plugins.add(plugin)
        try:
            manifest = await _ask_manifest(plugin, self._manifest_timeout, caller)
            await self._accept(plugin, manifest)
            if plugin.disabled is not None:
                return
            if must_be_dynamic and not plugin.manifest.dynamic:
                raise ManifestError(plugin.name, "dynamic", "is not true: Not a dynamic plugin")
            values = options(plugin.manifest.options) if callable(options) else options
            check_known(f"plugin '{plugin.name}' has no", plugin.manifest.options, values)
            if must_be_dynamic:
                values = {**self._host.plugins.configured, **values}
            refused = self._host.plugins.register_hooks([plugin])
            if refused:
                raise refused[plugin]
            self._remark_manifests([plugin])
            await self._bring_up([plugin], values, migrations)
        except BaseException as error:
            await self._abandon(plugin, f"was ended by the host: {error}")
            raise

    async def load(
        self, specs: Sequence[PluginSpec], launch: Callable[[PluginSpec], Plugin]
    ) -> list[Plugin]:
        """Starts the processes of a set of plugins and asks for their manifests.

        Returns the plugins that were accepted. Raises the errors that stop the daemon: an important
        plugin that was not accepted, and a clash of option names.
        """
        plugins = self._launch_all(specs, launch)
        asking = [_ask_manifest(plugin, self._manifest_timeout) for plugin in plugins]
        manifests = await asyncio.gather(*asking, return_exceptions=True)
        for plugin, manifest in zip(plugins, manifests, strict=True):
            try:
                if isinstance(manifest, BaseException):
                    raise manifest
                await self._accept(plugin, manifest)
            except (ManifestError, PluginDiedError) as error:
                await self._refuse(plugin, error)
        fit = [plugin for plugin in plugins if plugin.death is None]
        for plugin, cycle in self._host.plugins.register_hooks(fit).items():
            await self._refuse(plugin, cycle)
        self._loaded = [plugin for plugin in fit if plugin.death is None]
        self._remark_manifests(self._loaded)
        return self._loaded

    async def bring_up(self, options: Options, migrations: Migrations) -> list[Plugin]:
        """Initialises the plugins that `load` accepted. Returns those that run."""
        offered = {name: option for name, (_, option) in self._host.plugins.options().items()}
        values = options(offered) if callable(options) else options
        check_known("no plugin has an", offered, values)
        plugins, self._loaded = self._loaded, []
        await self._bring_up(plugins, values, migrations, alone=False)
        return [plugin for plugin in plugins if plugin.death is None]

    def _launch_all(
        self, specs: Sequence[PluginSpec], launch: Callable[[PluginSpec], Plugin]
    ) -> list[Plugin]:
        plugins: list[Plugin] = []
        for spec in specs:
            try:
                plugin = launch(spec)
            except HostError as error:
                self._host.remark(str(spec.path).rpartition("/")[2], str(error))
                if spec.important:
                    self._host.life.finish(f"important {error}", failed=True)
                    raise
                continue
            self._host.plugins.add(plugin)
            plugins.append(plugin)
        return plugins

    async def _accept(self, plugin: Plugin, manifest: bytes) -> None:
        """Checks and stores the manifest, and ends a plugin that disabled itself.

        Raises `ManifestError`, and `HostError` if the disabled plugin is important.
        """
        reserved = self._host.reserved()
        plugin.manifest = check_manifest(plugin.name, manifest, reserved, plugin.dialect)
        plugin.disabled = plugin.manifest.disable
        if plugin.disabled is not None:
            await self._retire(plugin)

    async def _bring_up(
        self,
        plugins: Sequence[Plugin],
        values: Values,
        migrations: Migrations,
        *,
        alone: bool = True,
    ) -> None:
        """Resolves options, sends the migrations, opens the socket and sends `init`.

        With `alone` a plugin's error is raised; otherwise only if it stops the daemon.
        """
        for plugin in plugins:
            blank = b'""' if self._host.dialect.blanks_options else None
            plugin.settings = resolved(plugin.name, plugin.manifest, values, blank)
            stay = {name: each for name, each in plugin.settings.items() if each.stays}
            self._host.plugins.configured.update(stay)
        if any("db_write" in plugin.manifest.hooks for plugin in plugins):
            await self._database.begin()
            for writes in migrations:
                await self._database.write(writes)
        await self._open_socket()
        at_startup, self._running = not self._running, True
        starting = [self._initialise(plugin, at_startup=at_startup) for plugin in plugins]
        outcomes = await asyncio.gather(*starting, return_exceptions=True)
        for plugin, outcome in zip(plugins, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                if alone:
                    raise outcome
                await self._refuse(plugin, outcome)

    async def _initialise(self, plugin: Plugin, *, at_startup: bool) -> None:
        host = self._host
        features = host.plugins.features(host.directory.features)
        configuration = host.directory.configuration(host.dialect, features, startup=at_startup)
        options = settings_text(plugin.settings)
        params = b'{"options":%s,"configuration":%s}' % (options, configuration)
        reply = await _answer(plugin, "init", params, self._init_timeout)
        # As in the daemon, an error counts as success.
        if host.dialect.disables:
            plugin.disabled = disabled_by(reply)
        plugin.initialised = True
        if plugin.disabled is None:
            host.owner.announce("plugin_started", plugin)
        else:
            await self._retire(plugin)

    async def _refuse(self, plugin: Plugin, error: BaseException) -> None:
        """Kills a plugin of a set. Raises the error if it stops the daemon."""
        if not isinstance(error, HostError):
            raise error
        if not isinstance(error, PluginDiedError):
            self._host.remark(plugin.name, str(error))
        await self._abandon(plugin, f"was ended by the host: {error}")
        if isinstance(error, ManifestError) and error.clash == "option":
            # At boot a clash of option names stops the daemon.
            self._host.life.finish(str(error), failed=True)
            raise error
        if plugin.important:
            self._host.life.finish(f"important {error}", failed=True)
            raise error

    async def _retire(self, plugin: Plugin) -> None:
        """Ends a plugin that disabled itself. Raises `HostError` if the plugin is important."""
        reason = f"disabled itself: {plugin.disabled}"
        await self._abandon(plugin, reason)
        if plugin.important:
            raise HostError(f"important plugin '{plugin.name}' {reason}")

    async def _abandon(self, plugin: Plugin, reason: str) -> None:
        """Kills a plugin and removes it from the registry, which frees its names."""
        plugin.kill(reason)
        await plugin.process.exited()
        if plugin in self._host.plugins.all():
            self._host.plugins.remove(plugin)

    def _remark_manifests(self, plugins: Sequence[Plugin]) -> None:
        """Records a remark for each name that is accepted here, and may not work on a node.

        The daemon keeps a subscription to an unknown topic. It refuses a method that a built-in
        plugin has, unless that plugin is disabled.
        """
        announced = {t for plugin in self._host.plugins.running() for t in plugin.manifest.topics}
        known = announced | self._host.dialect.topics | {"*"}
        for plugin in plugins:
            for topic in plugin.manifest.subscriptions:
                if topic not in known:
                    message = f"topic '{topic}' is not a known notification topic"
                    self._host.remark(plugin.name, message, "subscription")
            for name in plugin.manifest.methods:
                if name in BUILTIN:
                    message = f"method '{name}' is taken where its built-in plugin is not disabled"
                    self._host.remark(plugin.name, message, "native")


async def _answer(
    plugin: Plugin,
    method: str,
    params: bytes | None,
    seconds: float | None,
    caller: bytes | None = None,
) -> Frame:
    """Sends a request, and kills the plugin after `seconds`. Raises `PluginDiedError`."""
    future = plugin.request(method, params, caller=caller)
    if seconds is not None and not (await asyncio.wait([future], timeout=seconds))[0]:
        plugin.kill(f"did not answer {method} within {seconds:g} s", "silent")
    return await future


async def _ask_manifest(
    plugin: Plugin, seconds: float | None, caller: bytes | None = None
) -> bytes:
    """Sends `getmanifest` and returns the result. Raises `ManifestError`, `PluginDiedError`."""
    params = plugin.dialect.manifest_params
    reply = await _answer(plugin, "getmanifest", params, seconds, caller)
    if reply.result is None:
        error = (reply.error or b"none").decode()
        raise ManifestError(plugin.name, "result", f"is missing; the error is {error}")
    return reply.result


def disabled_by(reply: Frame) -> str | None:
    """The reason if a reply to `init` disables the plugin, else `None`."""
    try:
        result = as_object(decoded(reply.result or b"null")) or {}
    except UndecodableError:
        # A result that cannot be decoded does not disable the plugin.
        return None
    if "disable" not in result:
        return None
    reason: object = result["disable"]
    return reason if isinstance(reason, str) else json.encode(reason).decode()
