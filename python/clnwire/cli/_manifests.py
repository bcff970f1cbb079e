"""The options of plugins from their manifests, for `clnwire run --help`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from clnwire._wire.foreign import in_one_line
from clnwire.host import Host

if TYPE_CHECKING:
    from clnwire.cli._settings import RunSettings
    from clnwire.host.rules.dialect import Name
    from clnwire.host.rules.manifest import Option


async def plugin_help(settings: RunSettings) -> str:
    """The options of the plugins, by plugin. Raises `HostError`.

    The plugins run in a temporary folder and get no `init`.
    """
    async with Host(dialect=cast("Name", settings.single["dialect"])) as host:
        try:
            plugins = await host.load(settings.specs)
            for entry in host.remarks:
                sys.stderr.write(in_one_line(f"plugin-{entry.plugin}: {entry.message}") + "\n")
        finally:
            # Without `init` a plugin may ignore the end of its input, and help must not wait.
            for plugin in host.plugins:
                plugin.kill("was only asked for its manifest")
    return "".join(
        _section(plugin.name, list(plugin.manifest.options.values())) for plugin in plugins
    )


def _section(name: str, options: list[Option]) -> str:
    rows = [(_spelled(option), _meaning(option)) for option in options]
    width = max((len(spelled) for spelled, _ in rows), default=0)
    lines = [f"  {spelled:<{width}}  {meaning}".rstrip() for spelled, meaning in rows]
    return "\n".join([f"Options of {in_one_line(name)}:", *(lines or ["  none"]), "", ""])


def _spelled(option: Option) -> str:
    return f"--{option.name}" if option.type == "flag" else f"--{option.name}=<{option.type}>"


def _meaning(option: Option) -> str:
    parts = [option.description]
    if option.default is not None and option.type != "flag":
        parts.append(f"(default: {option.default})")
    if option.multi:
        parts.append("(may be given several times)")
    return in_one_line(" ".join(parts))
