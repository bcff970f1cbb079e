"""`clnwire check`: finds mistakes in a plugin in any language.

The check starts the plugin under the embedded host, sends it messages, and lets the host judge its
answers. `catalogue` has the rules; the other modules find violations.
"""

from clnwire.checking.catalogue import RULES, Rule
from clnwire.checking.checker import check
from clnwire.checking.finding import Finding, Report
from clnwire.checking.session import Limits, Target

__all__ = ["RULES", "Finding", "Limits", "Report", "Rule", "Target", "check"]
