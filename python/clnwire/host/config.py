"""Parses options from the command line and from the daemon's configuration file.

The plugins' manifests define the options' types. Before the manifests are known, an option is a
name with a raw string.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from clnwire._wire.foreign import shortened
from clnwire._wire.nearest import did_you_mean
from clnwire.host.errors import HostError
from clnwire.host.rules.options import Given

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.host.rules.manifest import Option

_LINE: Final = re.compile(r"(?P<name>[0-9A-Za-z_][0-9A-Za-z_-]*)(?:=(?P<value>.*))?\Z")


class ConfigError(HostError):
    """The command line or the configuration file is wrong; the message says where."""


class Written(Struct, frozen=True):
    """One option as the user wrote it."""

    name: str
    value: str | None
    """`None` if only the name was given."""
    where: str = ""
    """The file and the line; empty for the command line."""

    @property
    def shown(self) -> str:
        """The option as error messages name it."""
        return f"{self.where}: '{self.name}'" if self.where else f"'--{self.name}'"


def parse_words(words: Sequence[str]) -> list[Written]:
    """Parses `--name=value`, `--name value` and `--name`, in order. Raises `ConfigError`."""
    found: list[Written] = []
    rest = deque(words)
    while rest:
        word = rest.popleft()
        match = _LINE.match(word[2:]) if word.startswith("--") else None
        if match is None:
            raise ConfigError(f"'{word}' is not an option; write --name=value")
        value = match["value"]
        if value is None and rest and not rest[0].startswith("--"):
            value = rest.popleft()
        found.append(Written(match["name"], value))
    return found


def parse_file(path: Path) -> list[Written]:
    """Parses a file with `name=value` or `name` on each line, without dashes.

    Lines that start with `#` are comments. White space around a line is ignored. Raises
    `ConfigError`.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"the configuration file {path} cannot be read: {reason}") from None
    found: list[Written] = []
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        where, match = f"{path}:{number}", _LINE.match(line)
        if match is None:
            hint = "; in a file, names have no dashes" if line.startswith("--") else ""
            raise ConfigError(f"{where}: must be name=value or name, not {shortened(line)!r}{hint}")
        found.append(Written(match["name"], match["value"], where))
    return found


def plugin_options(
    written: Iterable[Written], known: Mapping[str, Option], own: Collection[str] = ()
) -> dict[str, Given]:
    """The values of the plugins' options, by name.

    The last value of an option counts; a `multi` option collects all its values. `written` lists
    the file's options before those of the command line, so the command line takes precedence.
    `own` are the names of the host's own options, for error messages. Raises `ConfigError` for an
    unknown option and for a missing value.
    """
    values: dict[str, Given] = {}
    collected: dict[str, list[str]] = {}
    for one in written:
        option = known.get(one.name)
        if option is None and one.name in own:
            raise ConfigError(f"{one.shown} is for the command line only")
        if option is None:
            near = did_you_mean(one.name, [*known, *own])
            raise ConfigError(f"{one.shown}: there is no such option{near}")
        if one.value is None and option.type != "flag":
            raise ConfigError(f"{one.shown} needs a value: {option.name}=<{option.type}>")
        value = one.value or ""
        if option.multi:
            collected.setdefault(one.name, []).append(value)
        values[one.name] = Given(collected.get(one.name, value), one.where or "cmdline")
    return values
