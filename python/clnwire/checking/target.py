"""The plugin to check, and the time limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from clnwire.host.config import Written, plugin_options

if TYPE_CHECKING:
    from clnwire.host.rules.manifest import Option
    from clnwire.host.rules.options import Given


class Target(Struct, frozen=True):
    """A plugin, and how to start it."""

    path: Path
    arguments: Sequence[str] = ()
    """The plugin's command-line arguments."""
    options: Sequence[Written] = ()
    """Values for the plugin's own options, as a user writes them."""
    calls: Mapping[str, bytes | None] = {}
    """Methods to call, with parameters as JSON; `None` stands for made-up ones. `*` is every method
    that is not named."""

    def given(self, known: Mapping[str, Option]) -> dict[str, Given]:
        """The values for the options that the plugin has. Raises `ConfigError`."""
        return plugin_options(self.options, known)


class Limits(Struct, frozen=True):
    """Bounds, in seconds."""

    timeout: float = 10.0
    """For each answer, and for the plugin's end."""
    slow_start: float = 2.0
    """A start that takes longer is slow."""
    slow_hook: float = 1.0
    """An answer to a hook that takes longer is slow. For `db_write`, it is a tenth of this."""
