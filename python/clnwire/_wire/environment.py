"""The environment variables that lightningd and the embedded host set for a plugin."""

from __future__ import annotations

from typing import Final

LIGHTNINGD_PLUGIN: Final = "LIGHTNINGD_PLUGIN"
"""Set for every plugin: the process talks to the daemon on stdin and stdout."""
LIGHTNINGD_VERSION: Final = "LIGHTNINGD_VERSION"
"""The daemon's release, since v0.7.3."""
HOST: Final = "CLNWIRE_HOST"
"""Set by the embedded host, whose process may run several hosts and have other children. The value
begins with the host's pid and a blank."""
PLUGIN_PID: Final = "CLNWIRE_PLUGIN_PID"
"""Set by a plugin for its child processes, which inherit `LIGHTNINGD_PLUGIN` as well."""
LOG_SHOWN_BY: Final = "CLNWIRE_LOG_SHOWN_BY"
"""The pid of a parent that shows the plugin's log where its stderr goes: then the plugin must not
write the same lines to stderr."""
