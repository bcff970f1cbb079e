"""Finds a hook's `HookSpec` by its name. Its module is imported when the hook is registered."""

from importlib import import_module
from typing import Final

from clnwire._wire import dialect
from clnwire.hooks._spec import HookSpec, go_on

HOOKS: Final = frozenset(dialect.HOOKS)
"""The daemon's hooks. Each has a module with its name here, which has a `SPEC`."""


def hook_spec(name: str) -> HookSpec:
    """The hook's description. The handler of an unknown hook receives and returns dicts."""
    if name in HOOKS:
        spec: HookSpec = import_module(f"clnwire.hooks.{name}").SPEC
        return spec
    # For an unknown hook, the daemon decides whether filters are permitted.
    return HookSpec(name, safe=go_on, filters=True)
