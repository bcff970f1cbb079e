"""What the parts of a host have in common."""

from msgspec import Struct

from clnwire._wire.facts import COMMANDS
from clnwire.host.commands.commands import CommandTable
from clnwire.host.database import WriteBarrier
from clnwire.host.directory import Directory
from clnwire.host.journal import LogEntry, RemarkKind
from clnwire.host.plugins.owner import Life, PluginOwner
from clnwire.host.plugins.registry import Plugins
from clnwire.host.rules.dialect import HostDialect
from clnwire.host.rules.manifest import OPTIONS, ReservedNames


class Parts(Struct, frozen=True):
    """The state of one host; its commands, hooks and starts share it."""

    dialect: HostDialect
    directory: Directory
    plugins: Plugins
    owner: PluginOwner
    life: Life
    barrier: WriteBarrier
    commands: CommandTable

    def remark(
        self, plugin: str, message: str, kind: RemarkKind = "", level: str = "unusual"
    ) -> None:
        """Records what the daemon would have logged about a plugin; empty for no plugin."""
        self.owner.on_remark(LogEntry(plugin, level, message, kind))

    def reserved(self) -> ReservedNames:
        """The names that another plugin must not register."""
        commands = COMMANDS | set(self.commands.names())
        plugins = [(plugin.name, plugin.manifest) for plugin in self.plugins.running()]
        features = self.plugins.features(self.directory.features)
        return ReservedNames(OPTIONS, commands, features, plugins)
