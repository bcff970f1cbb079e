"""Takes the place of pyln-client on `PYTHONPATH`, and passes on to `clnwire.pyln`.

`pyln` is a namespace, so `pyln.proto` and others stay as they are, and modules of pyln-client that
clnwire does not have (`gossmap`, `clnutils`) come from an installed pyln-client. If clnwire cannot
be imported, the installed pyln-client is used, and a line on stderr says why.
"""

import sys
from os.path import isfile
from typing import Any

_OWN = __path__[0]
__path__ += [
    f"{folder}/client"
    for folder in sys.modules[__name__.rpartition(".")[0]].__path__
    if f"{folder}/client" != _OWN and isfile(f"{folder}/client/__init__.py")
]
_OTHERS = {
    "Gossmap": "gossmap",
    "GossmapChannel": "gossmap",
    "GossmapHalfchannel": "gossmap",
    "GossmapNode": "gossmap",
    "GossmapNodeId": "gossmap",
    "GossmapStats": "gossmapstats",
    "LnFeatureBits": "gossmap",
    "NodeVersion": "version",
}
"""Names that an installed pyln-client has → its modules, which take long to import."""


def _use_clnwire() -> None:
    from clnwire.pyln import (
        LightningRpc,
        Millisatoshi,
        Plugin,
        RpcError,
        RpcException,
        lightning,
        monkey_patch,
        plugin,
    )

    sys.modules[f"{__name__}.plugin"] = plugin
    sys.modules[f"{__name__}.lightning"] = lightning
    globals().update(
        LightningRpc=LightningRpc,
        Millisatoshi=Millisatoshi,
        Plugin=Plugin,
        RpcError=RpcError,
        RpcException=RpcException,
        lightning=lightning,
        monkey_patch=monkey_patch,
        plugin=plugin,
    )


def _use_installed(why: ImportError) -> None:
    from pathlib import Path

    places = [place for place in __path__ if place != _OWN]
    if not places:
        raise ImportError(f"clnwire cannot be imported ({why}), and no pyln-client is installed")
    sys.stderr.write(f"clnwire cannot be imported ({why}): the installed pyln-client is used\n")
    __path__[:] = places
    file = Path(places[0], "__init__.py")
    globals()["__file__"] = str(file)
    exec(compile(file.read_bytes(), str(file), "exec"), globals())


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from clnwire.pyln import __version__

        return __version__
    if name not in _OTHERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(f"{__name__}.{_OTHERS[name]}")
    except ModuleNotFoundError as error:
        raise ImportError(f"{name} needs pyln-client beside clnwire ({error})") from error
    return getattr(module, name)


try:
    __import__("clnwire")
except ModuleNotFoundError:
    # The one that this file belongs to may serve; what the environment has comes first.
    sys.path.append(_OWN.rpartition("/clnwire/pyln/path/")[0])
try:
    _use_clnwire()
except ImportError as _error:
    _use_installed(_error)
