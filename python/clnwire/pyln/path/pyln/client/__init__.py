"""Takes the place of pyln-client on `PYTHONPATH`, and passes on to `clnwire.pyln`.

`pyln.proto` and others stay as they are, and modules of pyln-client that clnwire does not have
(`gossmap`, `clnutils`) come from an installed pyln-client. If clnwire cannot be imported, the
installed pyln-client is used, and a line on stderr says why.
"""

import sys
from importlib.machinery import PathFinder
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
    # It is imported when the daemon has the manifest, too late to use pyln-client.
    if PathFinder.find_spec("msgspec") is None:
        raise ImportError("its dependency msgspec is not installed with it")
    from clnwire import pyln

    # `plugin` has some of the classes of `lightning` as well.
    for name in ("plugin", "lightning"):
        module: Any = getattr(pyln, name)
        sys.modules[f"{__name__}.{name}"] = globals()[name] = module
        for value in (getattr(module, each) for each in module.__all__):
            # The last line of a traceback names the class in full. (To Python 3.10 `Callable[…]` is
            # an instance of `type`.)
            if issubclass(type(value), type):
                value.__module__ = f"{__name__}.{name}"
    names = [name for name in pyln.__all__ if name != "__version__"]
    globals().update({name: getattr(pyln, name) for name in names}, __all__=names)


def _use_installed(why: Exception) -> None:
    from pathlib import Path

    reason = f"clnwire cannot be imported by Python {sys.version.split()[0]} ({why})"
    places = [place for place in __path__ if place != _OWN]
    if not places:
        raise ImportError(f"{reason}, and no pyln-client is installed") from why
    sys.stderr.write(f"{reason}: the installed pyln-client is used\n")
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
        text = f"clnwire has no {name}; install pyln-client as well, which has it ({error})"
        raise ImportError(text) from None
    return getattr(module, name)


def _start() -> None:
    # What the environment has comes first; then the one that this file belongs to.
    last = _OWN.rpartition("/clnwire/pyln/path/")[0]
    sys.path.append(last)
    try:
        _use_clnwire()
    # An older Python fails at clnwire's syntax.
    except Exception as why:
        if sys.path[-1] == last:
            sys.path.pop()
        for name in [name for name in sys.modules if name.partition(".")[0] == "clnwire"]:
            del sys.modules[name]
        _use_installed(why)


_start()
