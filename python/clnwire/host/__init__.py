"""An embedded host: the daemon's plugin side, to run plugins without a daemon.

It imitates today's Core Lightning: the same order, the same bytes, the same refusals with their
reasons. `import clnwire` does not load it.
"""

from clnwire.host.commands.caller import Caller
from clnwire.host.delivery import Delivery
from clnwire.host.errors import (
    FatalAnswerError,
    HostError,
    ManifestError,
    PluginDiedError,
    PluginOptionError,
)
from clnwire.host.host import Host
from clnwire.host.journal import Journal, LogEntry, TopicEntry
from clnwire.host.lifetime import Stopped
from clnwire.host.plugins.launcher import PluginSpec
from clnwire.host.plugins.plugin import Plugin
from clnwire.host.rules.manifest import Option
from clnwire.host.rules.options import Given

__all__ = [
    "Caller",
    "Delivery",
    "FatalAnswerError",
    "Given",
    "Host",
    "HostError",
    "Journal",
    "LogEntry",
    "ManifestError",
    "Option",
    "Plugin",
    "PluginDiedError",
    "PluginOptionError",
    "PluginSpec",
    "Stopped",
    "TopicEntry",
]
