"""The settings of `clnwire run`, from its command line and the configuration file."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from clnwire._wire.levels import SCALE
from clnwire.cli._arguments import DEFAULT_DIR
from clnwire.host.config import ConfigError, Written, parse_file, parse_words
from clnwire.host.plugins.launcher import PluginSpec, command_line
from clnwire.host.rules.chain import named

LISTS: Final = ("plugin", "important-plugin", "plugin-dir", "disable-plugin", "answer")
"""The options that may be repeated; those of the file come first."""
CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "dialect": ("current", "2020", "2019"),
    "log-level": SCALE,
}
DEFAULTS: Final[Mapping[str, str]] = {
    "lightning-dir": DEFAULT_DIR,
    "network": "regtest",
    "dialect": "current",
    "log-level": "info",
    "log-file": "",
    "answers": "",
}


class RunSettings(Struct, frozen=True):
    """All that a run needs to know."""

    single: dict[str, str]
    """The values of the options in `DEFAULTS`."""
    lists: dict[str, list[str]]
    """The values of the options in `LISTS`."""
    specs: list[PluginSpec]
    others: list[Written]
    """The plugins' options, those of the file first."""

    @property
    def directory(self) -> Path:
        """The daemon's directory."""
        return Path(self.single["lightning-dir"]).expanduser()


def gather(own: Mapping[str, Any], words: Sequence[str], conf: Path | None) -> RunSettings:
    """Combines the command line and the file. Raises `HostError`.

    `own` are the values of clnwire's own options on the command line, `None` if not given; `words`
    are the plugins' files and options.
    """
    written = [] if conf is None else parse_file(conf.expanduser())
    lists: dict[str, list[str]] = {name: [] for name in LISTS}
    single = dict(DEFAULTS)
    others: list[Written] = []
    for one in written:
        if one.name in lists:
            lists[one.name].append(_needed(one))
        elif one.name in single:
            single[one.name] = _needed(one)
        else:
            others.append(one)
    for name in LISTS:
        lists[name] += own[name] or []
    single.update({name: own[name] for name in single if own[name] is not None})
    for name, choices in CHOICES.items():
        if single[name] not in choices:
            raise ConfigError(f"--{name} must be one of {', '.join(choices)}, not '{single[name]}'")
    files, options = _split(words)
    lists["plugin"] += files
    return RunSettings(single, lists, plugin_specs(lists), [*others, *parse_words(options)])


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The plugins' files, and their options: a word behind `--name` is the option's value."""
    files: list[str] = []
    options: list[str] = []
    takes_value = False
    for word in words:
        (options if takes_value or word.startswith("-") else files).append(word)
        takes_value = word.startswith("--") and "=" not in word
    return files, options


def _needed(one: Written) -> str:
    if not one.value:
        raise ConfigError(f"{one.shown} needs a value: {one.name}=...")
    return one.value


def plugin_specs(lists: Mapping[str, Sequence[str]]) -> list[PluginSpec]:
    """The plugins to start, each once, without disabled ones. Raises `HostError`."""
    important = [_path(name) for name in lists["important-plugin"]]
    paths = [*map(_path, lists["plugin"]), *important]
    for folder in lists["plugin-dir"]:
        paths += _executables(Path(folder).expanduser())
    chosen = [
        path
        for path in dict.fromkeys(paths)
        if not any(named(path, name) for name in lists["disable-plugin"])
    ]
    for path in chosen:
        command_line(path)
    return [PluginSpec(path, path in important) for path in chosen]


def _path(name: str) -> Path:
    return Path(name).expanduser().absolute()


def _executables(folder: Path) -> list[Path]:
    try:
        found = sorted(folder.absolute().iterdir())
    except OSError as error:
        raise ConfigError(f"--plugin-dir={folder}: {error.strerror}") from None
    return [path for path in found if path.is_file() and os.access(path, os.X_OK)]
