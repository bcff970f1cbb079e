"""`clnwire bench`: how fast a plugin is, in whatever language it is written.

`plan` says what of a plugin is measured, `measuring` does it with the load generator. `import
clnwire` loads none of it.
"""

from clnwire.benching.errors import BenchError
from clnwire.benching.measuring import Setup, ask_manifest, measure_all
from clnwire.benching.plan import Plan, Wanted, plan
from clnwire.benching.results import Results, load, save

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
