"""Registration of options. The overloads give each handle the type of its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from clnwire._definition.options import Option
from clnwire._definition.registration._base import Base

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_T = TypeVar("_T")


class Options(Base):
    """Registers options."""

    @property
    def options(self) -> Mapping[str, Option[Any]]:
        """The registered options, by name."""
        return self._definition.options

    def _value_in_run(self, name: str) -> Any:
        """An option's value in the present run; `NO_VALUE` before `init`."""
        raise NotImplementedError

    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: Literal["flag"],
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[bool], object] | None = None,
    ) -> Option[bool]: ...
    @overload
    def option(
        self,
        name: str,
        default: str,
        *,
        type: Literal["string", "string-conceal"] | type[str] = ...,
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[str], object] | None = None,
    ) -> Option[str]: ...
    @overload
    def option(
        self,
        name: str,
        default: bool,
        *,
        type: Literal["bool", "flag"] | type[bool] = ...,
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[bool], object] | None = None,
    ) -> Option[bool]: ...
    @overload
    def option(
        self,
        name: str,
        default: int,
        *,
        type: Literal["int"] | type[int] = ...,
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[int], object] | None = None,
    ) -> Option[int]: ...
    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: Literal["bool"] | type[bool],
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[bool], object] | None = None,
    ) -> Option[bool | None]: ...
    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: Literal["int"] | type[int],
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[int], object] | None = None,
    ) -> Option[int | None]: ...
    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: Literal["string", "string-conceal"] | type[str] = ...,
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[str], object] | None = None,
    ) -> Option[str | None]: ...
    @overload
    def option(
        self,
        name: str,
        default: list[int],
        *,
        type: Literal["int"] | type[int] = ...,
        description: str = "",
        multi: Literal[True],
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[list[int]], object] | None = None,
    ) -> Option[list[int]]: ...
    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: Literal["int"] | type[int],
        description: str = "",
        multi: Literal[True],
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[list[int]], object] | None = None,
    ) -> Option[list[int]]: ...
    @overload
    def option(
        self,
        name: str,
        default: list[str] | None = None,
        *,
        type: Literal["string", "string-conceal"] | type[str] = ...,
        description: str = "",
        multi: Literal[True],
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[list[str]], object] | None = None,
    ) -> Option[list[str]]: ...
    @overload
    def option(
        self,
        name: str,
        default: _T,
        *,
        type: type[_T] = ...,
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[_T], object] | None = None,
    ) -> Option[_T]: ...
    @overload
    def option(
        self,
        name: str,
        default: None = None,
        *,
        type: type[_T],
        description: str = "",
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[_T], object] | None = None,
    ) -> Option[_T | None]: ...
    @overload
    def option(
        self,
        name: str,
        default: Any = None,
        *,
        type: object,
        description: str = "",
        multi: Literal[False] = False,
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[Any], object] | None = None,
    ) -> Option[Any]: ...
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
