"""`clnwire demo`: a simulated node has its database replicated by a plugin.

`traffic` makes the writes, `node` has the plugin approve each before it commits, `compare` looks
for differences in the end, and `report` says how it went.
"""

from clnwire.cli.demo._command import EXAMPLES, demo

__all__ = ["EXAMPLES", "demo"]
