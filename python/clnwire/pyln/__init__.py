"""pyln-client's interface on clnwire: existing plugins run as they are.

`PYTHONPATH=$(clnwire pyln path)` gives it to plugins that import `pyln.client`; others change one
import to `from clnwire.pyln import Plugin`.
"""

from typing import TYPE_CHECKING, Any

from clnwire.pyln.lightning import LightningRpc, Millisatoshi, RpcError
from clnwire.pyln.plugin import Plugin, RpcException, monkey_patch

__all__ = [
    "LightningRpc",
    "Millisatoshi",
    "Plugin",
    "RpcError",
    "RpcException",
    "__version__",
    "monkey_patch",
]

if TYPE_CHECKING:
    __version__: str
    """The version of pyln-client whose interface this is."""


def __getattr__(name: str) -> Any:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clnwire._wire.dialect import FOLLOWED

    return FOLLOWED
