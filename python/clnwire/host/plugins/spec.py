"""Which file to run as a plugin, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from clnwire.plugin import Plugin


class PluginSpec(Struct, frozen=True):
    """A plugin that is to be started."""

    path: str | Path | Plugin
    """Its file; or a `clnwire.Plugin`, which a thread of this process serves."""
    important: bool = False
    """The host ends when the plugin does."""
    arguments: Sequence[str] = ()
    """What stands behind the file's name on its command line."""
