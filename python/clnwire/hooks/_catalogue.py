"""Hook names → what clnwire knows of them. Modules are imported when their hook is registered."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from clnwire._wire import dialect
from clnwire.hooks._spec import HookSpec, go_on

HOOKS: Final = frozenset(dialect.HOOKS)
"""The daemon's hooks. Each has a module of its name here, with a `SPEC`."""


def hook_spec(name: str) -> HookSpec:
    """The hook of that name; one that clnwire does not know takes and answers dicts."""
    if name in HOOKS:
        spec: HookSpec = import_module(f"clnwire.hooks.{name}").SPEC
        return spec
    # Filters for an unknown hook are the daemon's to judge.
    return HookSpec(name, safe=go_on, filters=True)
