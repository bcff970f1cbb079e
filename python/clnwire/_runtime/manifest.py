"""The answer to `getmanifest`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clnwire._wire.codec import encode
from clnwire.messages.getmanifest import (
    FeatureBits,
    Manifest,
    ManifestHook,
    ManifestMethod,
    ManifestOption,
    ManifestTopic,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clnwire._definition.events import Hook
    from clnwire._definition.methods import Method
    from clnwire._definition.options import Option
    from clnwire._runtime.run import Run
    from clnwire._wire.dialect import Dialect


def manifest(run: Run, dialect: Dialect) -> Manifest:
    """The manifest for a daemon of this dialect; logs what the daemon's release does not allow."""
    definition = run.definition
    return Manifest(
        options=[_option(option, dialect) for option in definition.options.values()],
        rpcmethods=[_method(method) for method in definition.methods.values()],
        subscriptions=[] if run.disabled else _subscriptions(run, dialect),
        hooks=[] if run.disabled else _hooks(run, dialect),
        notifications=[ManifestTopic(name) for name in definition.topics],
        dynamic=definition.is_dynamic,
        nonnumericids=True,
        cancheck=True,
        featurebits=_feature_bits(run.settings.feature_bits),
        custommessages=run.settings.custom_messages or None,
        disable=run.disabled,
    )


def _feature_bits(bits: Mapping[str, str]) -> FeatureBits | None:
    if not bits:
        return None
    from clnwire.types import Hex

    return FeatureBits(**{where: Hex(text) for where, text in bits.items()})


def _method(method: Method) -> ManifestMethod:
    return ManifestMethod(
        method.name,
        method.usage,
        method.description,
        method.long_description,
        method.category,
        _deprecated(method.deprecated),
    )


def _subscriptions(run: Run, dialect: Dialect) -> list[str]:
    """The topics to subscribe to, each once.

    With `*` all others are left out, since the daemon would deliver them twice, except for `log`,
    which `*` does not include. `shutdown` is added for plugins that act on it, and for those whose
    hooks may hold an event: otherwise `plugin stop` kills them and lets the event pass.
    """
    definition = run.definition
    topics = dict.fromkeys(name for each in definition.subscriptions for name in each.topics)
    wants_all = "*" in topics
    holds = any(hook.is_async or hook.thread for hook in definition.hooks.values())
    must_know = holds or definition.shutdown_functions or "db_write" in definition.hooks
    if must_know and dialect.takes_topic("shutdown") and not wants_all:
        topics["shutdown"] = None
    unknown = [topic for topic in topics if not dialect.takes_topic(topic)]
    for topic in unknown:
        run.log.error(
            f"not subscribed to '{topic}': {dialect} kills a plugin that subscribes to it"
        )
        del topics[topic]
    if "*" in topics:
        return ["*", "log"] if "log" in topics else ["*"]
    return list(topics)


def _hooks(run: Run, dialect: Dialect) -> list[str | ManifestHook]:
    registered = run.definition.hooks
    hooks = [hook for hook in registered.values() if dialect.may_have_hook(hook.name)]
    for name in registered.keys() - {hook.name for hook in hooks}:
        run.log.error(f"hook '{name}' is never called: {dialect} does not have it")
    return [_hook(run, hook, dialect) for hook in hooks]


def _hook(run: Run, hook: Hook, dialect: Dialect) -> str | ManifestHook:
    if dialect.orders_hooks:
        before, after, filters = hook.before or None, hook.after or None, hook.filters or None
        return ManifestHook(hook.name, before, after, filters)
    if hook.before or hook.after or hook.filters:
        run.log.warn(f"hook '{hook.name}': {dialect} does not support before, after and filters")
    return hook.name


def _option(option: Option[Any], dialect: Dialect) -> ManifestOption:
    """An option's entry in the manifest, with type `string` if the daemon may not know its own."""
    default = _announced_default(option)
    if not dialect.takes_type(option.type):
        return ManifestOption(option.name, "string", option.description, _as_text(default))
    return ManifestOption(
        option.name,
        option.type,
        option.description,
        default,
        multi=option.multi,
        dynamic=option.dynamic,
        deprecated=_deprecated(option.deprecated),
    )


def _deprecated(deprecated: bool | Sequence[str]) -> bool | list[str]:
    """The member `deprecated`: a boolean or a list of versions. A single `str` becomes a list."""
    if isinstance(deprecated, bool):
        return deprecated
    return [deprecated] if isinstance(deprecated, str) else list(deprecated)


def _announced_default(option: Option[Any]) -> str | int | bool | None:
    """The default to announce; `None` if the daemon would change it.

    lightningd does not unescape defaults, so a string that JSON escapes is not announced, and
    neither is the list of a `multi` option. `Option.read` applies the default when the daemon
    sends no value.
    """
    default = option.default_text
    if default is None or option.multi or option.type == "flag":
        return None
    if isinstance(default, str) and b"\\" in encode(default):
        return None
    announced: str | int | bool = default
    return announced


def _as_text(default: str | int | bool | None) -> str | None:
    if isinstance(default, bool):
        return "true" if default else "false"
    return None if default is None else str(default)
