"""`plugin_started`: a plugin has started."""

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec


class PluginStarted(Event, frozen=True):
    """A plugin that has started."""

    plugin_name: str
    """The name of the plugin's file."""
    plugin_path: str
    """The path of the plugin's file."""
    methods: list[str]
    """The names of the plugin's methods."""


SPEC = TopicSpec("plugin_started", PluginStarted)
