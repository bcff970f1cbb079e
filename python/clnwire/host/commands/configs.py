"""`listconfigs` and `setconfig`: the options of the host and of its plugins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec import json

from clnwire._wire.codec import encode, split
from clnwire._wire.options import c_integer
from clnwire._wire.tolerant import items
from clnwire.error_codes import INVALID_PARAMS, METHOD_NOT_FOUND
from clnwire.errors import RpcError
from clnwire.host.encoding import result_of
from clnwire.host.errors import PluginOptionError
from clnwire.host.rules.dialect import VERSION
from clnwire.host.rules.options import Setting, option_text

if TYPE_CHECKING:
    from clnwire.host.commands.commands import HostCommand
    from clnwire.host.parts import Parts
    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.rules.manifest import Option

_LITERAL: Final = re.compile(r"[-0-9.]+")
"""The integer values that lightningd's `listconfigs` can show; it aborts at any other."""


class Configs:
    """Adds `listconfigs` and `setconfig` to the host."""

    def __init__(self, host: Parts) -> None:
        self._host = host
        self._host.commands.register_own("listconfigs", "[config]", self._list)
        self._host.commands.register_own("setconfig", "config [val] [transient]", self._set)

    def _list(self, command: HostCommand) -> object:
        wanted = command.argument(0, "config", "")
        configs = self._configs()
        if wanted and wanted not in configs:
            raise RpcError(INVALID_PARAMS, f"Unknown config option {wanted!r}")
        shown = [wanted] if wanted else sorted(configs)
        self._remark_literals(shown)
        return {"configs": {name: configs[name] for name in shown}}

    def _configs(self) -> dict[str, dict[str, object]]:
        directory, plugins = self._host.directory, self._host.plugins.running()
        configs: dict[str, dict[str, object]] = {
            "lightning-dir": {"value_str": str(directory.root), "source": "cmdline"},
            "network": {"value_str": directory.network, "source": "cmdline"},
            "rpc-file": {"value_str": directory.rpc_path.name, "source": "default"},
        }
        for key, important in (("plugin", False), ("important-plugin", True)):
            paths = [str(each.path) for each in plugins if each.important is important]
            configs[key] = {"values_str": paths, "sources": ["cmdline"] * len(paths)}
        for name, (plugin, option) in self._host.plugins.options().items():
            configs[name] = _shown(plugin, option)
        return configs

    def _remark_literals(self, names: Sequence[str]) -> None:
        """Records a remark for each integer at which lightningd aborts. The host continues."""
        options = self._host.plugins.options()
        for plugin, option in (options[name] for name in names if name in options):
            setting = plugin.settings.get(option.name)
            if option.type != "int" or setting is None or setting.text is None:
                continue
            for text in _spelled(setting.text):
                if not _LITERAL.fullmatch(text):
                    message = (
                        f"lightningd {VERSION} ends here: Bad literal for --{option.name}: {text}; "
                        f"write the option in decimal: --{option.name}={c_integer(text)}"
                    )
                    self._host.remark(plugin.name, message, level="broken")

    async def check(self, command: HostCommand) -> None:
        """Asks the option's plugin, if it can check; raises `RpcError` if `setconfig` would."""
        plugin, _, change = self._change(command)
        if plugin.manifest.cancheck:
            checked = {"command_to_check": command.method, **change}
            result_of(await plugin.request("check", encode(checked), caller=command.token))

    async def _set(self, command: HostCommand) -> object:
        """Changes a dynamic option. The plugin is asked first and may refuse."""
        plugin, option, change = self._change(command)
        result_of(await plugin.request("setconfig", encode(change), caller=command.token))
        setting = _new_setting(plugin, option, change.get("val", True))
        name = option.name
        plugin.settings[name] = self._host.plugins.configured[name] = setting
        self._remark_literals([name])
        return {"config": {"config": name, **_shown(plugin, option)}}

    def _change(self, command: HostCommand) -> tuple[Plugin, Option, dict[str, object]]:
        """The option that a `setconfig` is about, and what its plugin is told. Raises `RpcError`.

        As in the daemon it is the plugin that judges the value.
        """
        name = command.text(0, "config")
        found = self._host.plugins.options().get(name)
        if found is None:
            raise RpcError(INVALID_PARAMS, f"Unknown config option {name!r}")
        plugin, option = found
        if not option.dynamic:
            raise RpcError(METHOD_NOT_FOUND, f"option {name!r} is not dynamic")
        value = _value(command.params, option)
        return plugin, option, {"config": name} if value is None else {"config": name, "val": value}


def _value(params: bytes, option: Option) -> str | list[str] | None:
    """The text of `val`, as the caller wrote it; `None` for a flag. Raises `RpcError`.

    As in the daemon, the values of a `multi` option are seen by name only: by position, any `val`
    empties it; and `null` by position is no value, whereas by name it is the text.
    """
    given = split(params)
    named = None if isinstance(given, list) else given.get("val")
    is_array = named is not None and named.startswith(b"[")
    if option.multi:
        if named is not None and not is_array:
            raise _wrong_value(option, "is a multi option: val must be an array")
        return [_as_written(item) for item in items(named or b"[]")]
    if is_array:
        raise _wrong_value(option, "is not a multi option: val must not be an array")
    value = named
    if isinstance(given, list) and len(given) > 1 and given[1] != b"null":
        value = given[1]
    if (value is None) is not (option.type == "flag"):
        raise _wrong_value(option, "requires a value" if value is None else "does not take a value")
    return None if value is None else _as_written(value)


def _wrong_value(option: Option, problem: str) -> RpcError:
    return RpcError(INVALID_PARAMS, f"{option.name} {problem}")


def _new_setting(plugin: Plugin, option: Option, value: object) -> Setting:
    try:
        text = option_text(plugin.name, option, value)
    except PluginOptionError as error:
        raise RpcError(INVALID_PARAMS, str(error)) from None
    return Setting(text, "setconfig")


def _shown(plugin: Plugin, option: Option) -> dict[str, object]:
    """An option's entry in `listconfigs`."""
    setting = plugin.settings.get(option.name, Setting(None, "default"))
    shown = _shown_value(option, setting)
    shown["plugin"] = str(plugin.path)
    if option.dynamic:
        shown["dynamic"] = True
    return shown


def _shown_value(option: Option, setting: Setting) -> dict[str, object]:
    if option.type == "flag":
        return {"set": setting.text is not None, "source": setting.source}
    kind = {"int": "int", "bool": "bool"}.get(option.type, "str")
    if option.multi:
        values = _values(option, setting.text or b"[]")
        if option.type == "string-conceal":
            values = ["..."] * len(values)
        return {f"values_{kind}": values, "sources": [setting.source] * len(values)}
    if option.type == "string-conceal":  # Without a value as well.
        return {"value_str": "...", "source": setting.source}
    if setting.text is None:
        return {"source": setting.source}
    return {f"value_{kind}": _values(option, setting.text)[0], "source": setting.source}


def _values(option: Option, text: bytes) -> list[object]:
    """The option's values. Integers are spelled as in C (`0x10`), which may be invalid JSON."""
    if option.type == "int":
        return [c_integer(item) for item in _spelled(text)]
    value = json.decode(text)
    return value if option.multi else [value]


def _spelled(text: bytes) -> list[str]:
    """The integers of an option's text, as the user spelled them."""
    return [item for item in text.decode().strip("[]").split(",") if item]


def _as_written(text: bytes) -> str:
    """A value's text without quotes. The daemon does not undo its escapes."""
    return text.removeprefix(b'"').removesuffix(b'"').decode()
