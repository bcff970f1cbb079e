"""`clnwire check`: what is wrong with a plugin, in whatever language it is written.

The check starts the plugin under the embedded host, sends it messages, and lets the host judge its
answers. Each rule is an entry of `catalogue`. Each group of rules has a module here that finds
violations. `import clnwire` loads none of these modules.
"""

from clnwire.checking.catalogue import RULES, Rule
from clnwire.checking.checker import check
from clnwire.checking.finding import Finding, Report
from clnwire.checking.target import Limits, Target

__all__ = ["RULES", "Finding", "Limits", "Report", "Rule", "Target", "check"]
