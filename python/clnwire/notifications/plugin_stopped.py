"""`plugin_stopped`: a plugin has ended."""

from __future__ import annotations

from clnwire.notifications._spec import TopicSpec
from clnwire.notifications.plugin_started import PluginStarted


class PluginStopped(PluginStarted, frozen=True):
    """A plugin that has ended; the members are those of `plugin_started`."""


SPEC = TopicSpec("plugin_stopped", PluginStopped)
