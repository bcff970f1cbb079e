"""Names that import their module on first use, which keeps a plugin's start short."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy(
    package: str, modules: dict[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """A package's `__getattr__`, `__dir__` (PEP 562) and `__all__`.

    `modules` maps each submodule to the names that the package takes from it, separated by spaces.
    The package's stub is generated from the same names.
    """
    home = {name: module for module, names in modules.items() for name in names.split()}

    def __getattr__(name: str) -> Any:  # noqa: N807 - what Python calls it
        if name not in home:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(import_module(f"{package}.{home[name]}"), name)

    def __dir__() -> list[str]:  # noqa: N807
        return sorted({*vars(sys.modules[package]), *home})

    return __getattr__, __dir__, sorted(home)
