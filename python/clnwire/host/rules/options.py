"""Converts option values from the user's form to the JSON text in `init`.

The rules are the daemon's. An integer keeps the user's spelling, which may be invalid JSON
(`0x10`). A boolean becomes `true` or `false`. A flag is present only if it is set. A `multi` option
is an array. An option without value and default is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct, json

from clnwire._wire.foreign import shortened
from clnwire._wire.nearest import did_you_mean
from clnwire._wire.options import BOOLEANS, c_integer, fits_64_bits
from clnwire.host.errors import PluginOptionError
from clnwire.host.rules.decoding import as_array, object_text

if TYPE_CHECKING:
    from clnwire.host.rules.manifest import HostManifest, Option

PLUGIN_START: Final = "pluginstart"
"""The source of an option set by the command `plugin start`; it is dropped with the plugin."""


class Given(Struct, frozen=True):
    """An option value with its source."""

    value: object
    source: str
    """The source as `listconfigs` shows it, such as a file's name and line."""


class Setting(Struct, frozen=True):
    """The resolved value of an option."""

    text: bytes | None
    """The text in `init`; `None` if the option is absent there."""
    source: str
    """`cmdline`, `default`, `setconfig`, `pluginstart`, or a file and line."""

    @property
    def stays(self) -> bool:
        """Whether the daemon keeps the value when the plugin stops."""
        return self.source not in ("default", PLUGIN_START)


def init_options(plugin: str, manifest: HostManifest, given: Mapping[str, object]) -> bytes:
    """The text of the member `options` of `init`. Raises `PluginOptionError`."""
    check_known(f"plugin '{plugin}' has no", manifest.options, given)
    return settings_text(resolved(plugin, manifest, given))


def resolved(
    plugin: str, manifest: HostManifest, given: Mapping[str, object], blank: bytes | None = None
) -> dict[str, Setting]:
    """Resolves the values of all the plugin's options from `given` and the defaults.

    An option without a value and default, or a flag without a value, is set to `blank`. Raises
    `PluginOptionError`.
    """
    return {
        option.name: _setting(plugin, option, given.get(option.name), blank)
        for option in manifest.options.values()
    }


def settings_text(settings: Mapping[str, Setting]) -> bytes:
    """The text of the member `options` of `init`."""
    texts = ((name, setting.text) for name, setting in settings.items())
    return object_text((name, text) for name, text in texts if text is not None)


def check_known(lacks: str, known: Iterable[str], given: Iterable[str]) -> None:
    """Raises `PluginOptionError` for an unknown name: `lacks` begins the message."""
    names = set(known)
    for name in given:
        if name not in names:
            raise PluginOptionError(f"{lacks} option '{name}'{did_you_mean(name, names)}")


def option_text(plugin: str, option: Option, value: object) -> bytes | None:
    """The text of a given value in `init`; `None` for a flag that is off.

    A string is parsed as the user's text after `--name=`; other values must be of the option's
    type. Raises `PluginOptionError`.
    """
    if option.type == "flag":
        return b"true" if _boolean(plugin, option, value) == b"true" else None
    if option.multi:
        values = as_array(value)
        items = [_single(plugin, option, item) for item in ([value] if values is None else values)]
        return b"[" + b",".join(items) + b"]"
    return _single(plugin, option, value)


def _setting(plugin: str, option: Option, given: object, blank: bytes | None) -> Setting:
    if isinstance(given, Setting):
        return given
    if isinstance(given, Given):
        return Setting(option_text(plugin, option, given.value), given.source)
    if given is not None:
        return Setting(option_text(plugin, option, given), "cmdline")
    if option.default is None or option.type == "flag":
        return Setting(blank, "default")
    return Setting(option_text(plugin, option, option.default), "default")


def _single(plugin: str, option: Option, value: object) -> bytes:
    if option.type == "int":
        return _integer(plugin, option, value)
    if option.type == "bool":
        return _boolean(plugin, option, value)
    if not isinstance(value, (str, int, float)):
        raise _misfit(plugin, option, value, "a string")
    try:
        return json.encode(str(value))
    except UnicodeEncodeError:
        raise _misfit(plugin, option, value, "UTF-8") from None


def _integer(plugin: str, option: Option, value: object) -> bytes:
    text = str(value) if isinstance(value, (str, int)) else ""
    number = None if isinstance(value, bool) else c_integer(text)
    if number is None or not fits_64_bits(number):
        raise _misfit(plugin, option, value, "an integer of 64 bits (decimal, 0x… or 0…)")
    return text.encode()


def _boolean(plugin: str, option: Option, value: object) -> bytes:
    if isinstance(value, str):
        value = BOOLEANS.get(value.lower(), True if option.type == "flag" and not value else value)
    if isinstance(value, bool):
        return b"true" if value else b"false"
    raise _misfit(plugin, option, value, "yes, no, true or false")


def _misfit(plugin: str, option: Option, value: object, expected: str) -> PluginOptionError:
    shown = shortened(repr(value))
    return PluginOptionError(
        f"plugin '{plugin}': option '{option.name}' must be {expected}, not {shown}"
    )
