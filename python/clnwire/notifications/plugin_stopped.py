"""`plugin_stopped`: a plugin has ended."""

from clnwire.notifications._spec import TopicSpec
from clnwire.notifications.plugin_started import PluginStarted


class PluginStopped(PluginStarted, frozen=True):
    """A plugin that has ended. The members are those of `PluginStarted`."""


SPEC = TopicSpec("plugin_stopped", PluginStopped)
