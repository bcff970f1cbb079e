"""The load generator: plays the daemon to a plugin, natively, and measures it. Linux only.

A `Job` holds the messages as they go out, which `clnwire.bench.load.messages` makes. `measure` runs
it in a process of its own: this one is neither pinned to a processor nor ended by a failure.
"""

from clnwire.bench.load.messages import Ask
from clnwire.bench.load.running import (
    Figures,
    Job,
    LoadError,
    PluginFailedError,
    Report,
    measure,
    medians,
)

__all__ = [
    "Ask",
    "Figures",
    "Job",
    "LoadError",
    "PluginFailedError",
    "Report",
    "measure",
    "medians",
]
