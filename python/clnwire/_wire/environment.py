"""The environment variables that lightningd and the embedded host set, and the program's name."""

import os
import sys
from typing import Final

LIGHTNINGD_PLUGIN: Final = "LIGHTNINGD_PLUGIN"
"""Set by lightningd for every plugin: stdin and stdout carry the protocol."""
LIGHTNINGD_VERSION: Final = "LIGHTNINGD_VERSION"
"""The daemon's release. Set by lightningd since v0.7.3."""
HOST: Final = "CLNWIRE_HOST"
"""Set by the embedded host, to tell its plugins from other children of its process and from plugins
of other hosts in it. The value begins with the host's pid and a space."""
PLUGIN_PID: Final = "CLNWIRE_PLUGIN_PID"
"""The plugin's pid. Set by clnwire for child processes, which inherit `LIGHTNINGD_PLUGIN` too."""
LOG_SHOWN_BY: Final = "CLNWIRE_LOG_SHOWN_BY"
"""The pid of a parent that shows the plugin's log on its own stderr. The plugin then only logs its
stderr; otherwise each line would appear twice."""


def program_name(otherwise: str = "plugin") -> str:
    """The name of the program's file, by which the daemon names a plugin."""
    return os.path.basename((sys.argv or [""])[0]) or otherwise  # noqa: PTH119 - pathlib costs time
