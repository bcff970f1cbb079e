"""The load generator: plays the daemon to a plugin, natively, and measures it. Linux only.

A `Job` holds the messages as they go out, which `clnwire.load.messages` makes; `measure` does it in
a process of its own, so that this one is neither pinned to a processor nor ended by what happens.
"""

from clnwire.load.figures import Figures, Report, medians
from clnwire.load.job import Job
from clnwire.load.messages import Ask
from clnwire.load.running import LoadError, PluginFailedError, measure

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
