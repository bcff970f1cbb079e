"""`custommsg`: a peer sent a message that the daemon itself does not know.

The payload is that of the hook with this name.
"""

from __future__ import annotations

from clnwire.hooks.custommsg import CustomMsg
from clnwire.notifications._spec import TopicSpec

__all__ = ["SPEC", "CustomMsg"]

SPEC = TopicSpec("custommsg", CustomMsg)
