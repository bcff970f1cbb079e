"""Registration of options. The generated stub gives each handle the type of its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clnwire._definition.options import Option
from clnwire._definition.registration import Base

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Options(Base):
    """Registers options."""

    @property
    def options(self) -> Mapping[str, Option[Any]]:
        """The registered options, by name."""
        return self._definition.options

    def _value_in_run(self, name: str) -> Any:
        """An option's value in the present run; `NO_VALUE` before `init`."""
        raise NotImplementedError

    def option(
        self,
        name: str,
        default: Any = None,
        *,
        type: Any = None,
        description: str = "",
        multi: bool = False,
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[Any], object] | None = None,
    ) -> Option[Any]:
        """Adds an option to lightningd's configuration; returns a handle with its `.value`.

        The default `type` is that of the default value. It is one of the protocol's types, or any
        type that a method's parameter may have: an enum, `float`, `Literal["fast", "slow"]`,
        `Msat`. For the daemon those are strings, which clnwire reads. `multi`: the option may be
        given several times. `dynamic`: `setconfig` may change the value; `on_change` is called with
        the new value before it takes effect, and raises to refuse it. Raises `UsageError` for
        options that the daemon would refuse.
        """
        self._must_be_new("option", name, self.options)
        option: Option[Any] = Option(
            name,
            default,
            type=type,
            description=description,
            multi=multi,
            dynamic=dynamic,
            deprecated=deprecated,
            on_change=on_change,
            value_in_run=self._value_in_run,
        )
        self._definition.options[name] = option
        return option
