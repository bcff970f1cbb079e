"""What is announced of an option."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clnwire._wire.codec import encode
from clnwire.messages.getmanifest import ManifestOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clnwire._definition.options import Option
    from clnwire._wire.dialect import Dialect


def announce_option(option: Option[Any], dialect: Dialect) -> ManifestOption:
    """An option's entry in the manifest; as a string, if the daemon may not know its type."""
    default = _announced_default(option)
    if not dialect.takes_type(option.type):
        return ManifestOption(option.name, "string", option.description, _as_text(default))
    return ManifestOption(
        option.name,
        option.type,
        option.description,
        default,
        multi=option.multi,
        dynamic=option.dynamic,
        deprecated=announce_deprecated(option.deprecated),
    )


def announce_deprecated(deprecated: bool | Sequence[str]) -> bool | list[str]:
    """Whether, or in which versions, something is deprecated; one version may stand by itself."""
    if isinstance(deprecated, bool):
        return deprecated
    return [deprecated] if isinstance(deprecated, str) else list(deprecated)


def _announced_default(option: Option[Any]) -> str | int | bool | None:
    """The default, unless the daemon would mangle it.

    The daemon does not unescape a default, so one that JSON must escape is kept to ourselves, as
    is that of a `multi` option: an absent value is replaced by the default here.
    """
    default = option.default
    if default is None or option.multi or option.type == "flag":
        return None
    if isinstance(default, str) and b"\\" in encode(default):
        return None
    announced: str | int | bool = default
    return announced


def _as_text(default: str | int | bool | None) -> str | None:
    if isinstance(default, bool):
        return "true" if default else "false"
    return None if default is None else str(default)
