"""The mixins of `Plugin` that register options, methods, hooks, subscriptions and functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from clnwire.errors import UsageError, sendable

if TYPE_CHECKING:
    from collections.abc import Container

    from clnwire._definition.definition import Definition


class Base:
    """Base of the mixins. Registrations are refused after `_last_call`."""

    _definition: Definition
    _last_call = "run()"
    """The call after which nothing more is registered."""

    def _must_be_new(self, kind: str, name: str, registered: Container[str]) -> None:
        self._must_be_open(kind, name)
        if name in registered:
            raise UsageError(f"{kind} '{name}' is registered twice")

    def _must_be_open(self, kind: str, name: str) -> None:
        if self._definition.is_closed:
            raise UsageError(f"{kind} '{name}': register it before {self._last_call}")
        if sendable(name) != name:
            raise UsageError(f"{kind} {name!r}: a name cannot contain a lone surrogate")


NOTHING: Final[Any] = None
"""The default of a parameter that must be given, so that leaving it out gets a `UsageError`."""


def must_be_named(decorator: str, name: object) -> None:
    """Raises `UsageError` for `@plugin.hook()`, and for `@plugin.hook`, where Python passes the
    function as `name` and nothing would be registered."""
    if not isinstance(name, str):
        raise UsageError(f"@plugin.{decorator} needs a name: @plugin.{decorator}('name')")
