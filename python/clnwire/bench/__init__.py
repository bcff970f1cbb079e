"""`clnwire bench`: how fast a plugin is, in whatever language it is written.

`plan` decides what to measure, `measuring` runs the load generator. `import clnwire` loads none of
these modules.
"""

from clnwire.bench.measuring import Setup, ask_manifest, measure_all
from clnwire.bench.plan import Plan, Wanted, plan
from clnwire.bench.results import BenchError, Results, load, save

__all__ = [
    "BenchError",
    "Plan",
    "Results",
    "Setup",
    "Wanted",
    "ask_manifest",
    "load",
    "measure_all",
    "plan",
    "save",
]
