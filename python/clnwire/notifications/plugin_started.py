"""`plugin_started`: a plugin runs."""

from __future__ import annotations

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec


class PluginStarted(Event, frozen=True):
    """A plugin that has started."""

    plugin_name: str
    """The file's name."""
    plugin_path: str
    """The file."""
    methods: list[str]
    """The methods that it offers."""


SPEC = TopicSpec("plugin_started", PluginStarted)
