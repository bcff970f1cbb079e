"""An embedded host: runs plugins as the daemon does, without a daemon.

The host imitates current Core Lightning: the order of messages, their bytes, and what the daemon
refuses. `import clnwire` does not load this package.
"""

from clnwire.host.commands.commands import Caller, Delivery
from clnwire.host.errors import (
    FatalAnswerError,
    HostError,
    ManifestError,
    PluginDiedError,
    PluginOptionError,
)
from clnwire.host.host import Host
from clnwire.host.journal import Call, Journal, LogEntry, TopicEntry
from clnwire.host.plugins.launcher import PluginSpec
from clnwire.host.plugins.owner import Stopped
from clnwire.host.plugins.plugin import Plugin
from clnwire.host.rules.manifest import Option
from clnwire.host.rules.options import Given

__all__ = [
    "Call",
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
