"""`clnwire check`: what is wrong with a plugin, in whatever language it is written.

The plugin is started under the embedded host, told and asked things, and judged by the host. A rule
is an entry of `catalogue`; the modules beside it, one a group of rules, find where it is broken.
`import clnwire` loads none of it.
"""

from clnwire.checking.catalogue import RULES, Rule
from clnwire.checking.checker import check
from clnwire.checking.finding import Finding, Report
from clnwire.checking.target import Limits, Target

__all__ = ["RULES", "Finding", "Limits", "Report", "Rule", "Target", "check"]
