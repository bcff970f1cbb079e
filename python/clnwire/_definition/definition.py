"""A plugin's definition: its settings and everything registered on it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from clnwire._definition.functions import is_async
from clnwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clnwire._definition.background import Background
    from clnwire._definition.events import Hook, Subscription, Topic
    from clnwire._definition.methods import Method
    from clnwire._definition.options import Option


class Settings(Struct, kw_only=True):
    """The parameters of `Plugin`, documented there. Raises `UsageError` for invalid ones."""

    dynamic: bool | None
    mixed_db_write: bool
    feature_bits: dict[str, str]
    custom_messages: list[int]
    max_frame_bytes: int
    max_depth: int
    watchdog_seconds: float
    shutdown_seconds: float
    max_in_flight: int
    max_threads: int

    def __post_init__(self) -> None:
        if self.dynamic and self.feature_bits:
            raise UsageError("a plugin with feature bits cannot be dynamic: the daemon refuses it")
        _check_feature_bits(self.feature_bits)
        even = [number for number in self.custom_messages if number % 2 == 0]
        if even:
            raise UsageError(f"custom message {even[0]}: plugins may only use odd numbers (BOLT 1)")
        if min(self.max_in_flight, self.max_threads) < 1:
            raise UsageError("max_in_flight and max_threads must be at least 1")


class Definition:
    """Everything that was registered on a plugin. A run only reads it."""

    settings: Settings
    """Of a plugin; a registry has none."""

    def __init__(self) -> None:
        self.options: dict[str, Option[Any]] = {}
        self.methods: dict[str, Method] = {}
        self.hooks: dict[str, Hook] = {}
        self.subscriptions: list[Subscription] = []
        self.topics: dict[str, Topic] = {}
        self.init_functions: list[Callable[..., object]] = []
        self.shutdown_functions: list[Callable[[], object]] = []
        self.background_functions: list[Background] = []
        self.disabled: str | None = None
        """The reason given to `Plugin.disable` before the run; `None` without one."""
        self.is_closed = False
        """True after a run, and after `include`: further registrations raise `UsageError`."""
        self.plugin: Any = None
        """The plugin that has included a registry last."""

    def add(self, other: Definition) -> None:
        """Adds what is registered on another one. Raises `UsageError` for a name of both."""
        mine, others = vars(self), vars(other)
        for kind in ("options", "methods", "hooks", "topics"):
            for name in others[kind]:
                if name in mine[kind]:
                    raise UsageError(f"{kind[:-1]} '{name}' is registered twice")
        for kind, found in others.items():
            if isinstance(found, dict):
                mine[kind].update(found)
            elif isinstance(found, list):
                mine[kind].extend(found)

    @property
    def is_dynamic(self) -> bool:
        """Whether the plugin may be started and stopped while the daemon runs."""
        if self.settings.dynamic is None:
            return not self.settings.feature_bits and "db_write" not in self.hooks
        return self.settings.dynamic

    @property
    def handlers(self) -> list[Method | Hook | Subscription]:
        """All handlers of messages."""
        return [*self.methods.values(), *self.hooks.values(), *self.subscriptions]

    @property
    def is_async(self) -> bool:
        """Whether any function is an `async def`: then an event loop serves the plugin."""
        return any(each.is_async for each in (*self.handlers, *self.background_functions)) or any(
            is_async(each) for each in (*self.init_functions, *self.shutdown_functions)
        )

    @property
    def has_threads(self) -> bool:
        """Whether any handler or background function runs in a thread of its own."""
        return any(handler.thread for handler in self.handlers) or not all(
            background.is_async for background in self.background_functions
        )

    def why_unsafe(self) -> str | None:
        """Why it is unsafe to run the plugin; `None` if it is safe."""
        others = [*(name for name in self.hooks if name != "db_write"), *self.methods]
        if "db_write" in self.hooks and others and not self.settings.mixed_db_write:
            return (
                "db_write must be alone in its plugin, but there is also "
                f"{', '.join(others)}. The daemon blocks while it waits for db_write, "
                "and can deadlock. Move the rest to another plugin. If you know that it is safe, "
                "pass Plugin(mixed_db_write=True)."
            )
        # gevent's patch turns threads into greenlets, which never run while the core waits.
        gevent = sys.modules.get("gevent.monkey")
        if gevent is not None and gevent.is_module_patched("threading") and self.has_threads:
            return (
                "gevent has replaced threads, so that thread=True and plain background functions "
                "would never run. Call gevent.monkey.patch_all(thread=False), or use async def."
            )
        return None


def _check_feature_bits(bits: Mapping[Any, object]) -> None:
    """Raises `UsageError` for bits that the daemon would refuse in the manifest."""
    if not bits:
        return
    from clnwire.messages.getmanifest import FeatureBits
    from clnwire.types import Hexadecimal

    places = FeatureBits.__struct_fields__
    for place, text in bits.items():
        if place not in places:
            raise UsageError(f"feature bits: '{place}' is none of {', '.join(places)}")
        if not isinstance(text, str) or Hexadecimal().problem(text) is not None:
            raise UsageError(f"feature bits: {place}: {text!r} is not hexadecimal")
