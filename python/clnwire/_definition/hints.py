"""Hints for names that pyln-client's `Plugin` has and clnwire's has not."""

from __future__ import annotations

from typing import Final

_INSTEAD: Final = {
    "init": "@plugin.on_init; the daemon's configuration is plugin.configuration",
    "add_option": "plugin.option(...), which gives a handle with the value",
    "add_flag_option": 'plugin.option(name, type="flag")',
    "get_option": "the handle that plugin.option(...) gives: handle.value",
    "set_option": "plugin.option(..., dynamic=True, on_change=...)",
    "add_method": "plugin.method(name)(function)",
    "async_method": "@plugin.method(name) before an `async def`",
    "add_hook": "plugin.hook(name)(function)",
    "async_hook": "@plugin.hook(name) before an `async def`",
    "add_subscription": "plugin.subscribe(topic)(function)",
    "add_notification_topic": "plugin.topic(name), which gives a handle with publish",
    "notification_topics": "plugin.topics",
    "notify_message": "a parameter of type clnwire.Request: request.notify(text)",
    "notify_progress": "a parameter of type clnwire.Request: request.progress(done, total)",
    "lightning_dir": "plugin.configuration.lightning_dir",
    "rpc_filename": "plugin.configuration.rpc_file",
    "startup": "plugin.configuration.startup",
    "deprecated_apis": "plugin.allow_deprecated_apis",
    "featurebits": "plugin.feature_bits",
    "custom_msgs": "plugin.custom_messages",
}
"""Name in pyln-client → its replacement in clnwire."""


def missing(plugin: object, name: str) -> AttributeError:
    """The `AttributeError` for a name, with a hint if pyln-client has the name."""
    text = f"'{type(plugin).__name__}' object has no attribute '{name}'"
    if name in _INSTEAD:
        text = f"{text}; use {_INSTEAD[name]}"
    return AttributeError(text, name=name, obj=plugin)
