"""`custommsg`: a peer sent a message of a type that the daemon does not know.

The event is that of the hook `custommsg`.
"""

from clnwire.hooks.custommsg import CustomMsg
from clnwire.notifications._spec import TopicSpec

__all__ = ["SPEC", "CustomMsg"]

SPEC = TopicSpec("custommsg", CustomMsg)
