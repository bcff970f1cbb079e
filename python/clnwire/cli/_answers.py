"""What `clnwire run` answers to the daemon's commands: an empty node, and the user's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Raw, ValidationError

from clnwire._core import MalformedError, validate
from clnwire._wire.nearest import did_you_mean
from clnwire.error_codes import PLUGIN_ERROR
from clnwire.errors import RpcError
from clnwire.host import empty_node
from clnwire.host.config import ConfigError
from clnwire.rpc._text import decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clnwire.host import Host


def register(host: Host, folder: str, given: Sequence[str], *, is_current: bool) -> None:
    """Adds the commands. The folder's files are overridden by `given`, each `COMMAND=FILE`.

    Raises `ConfigError` for an unknown command and for a file that does not hold its result. The
    schemas are those of the current daemon, so for another one any JSON is accepted.
    """
    empty_node.register(host)
    known = empty_node.command_names()
    for name, file in (_files(folder) | dict(map(_named, given))).items():
        if name not in known:
            near = did_you_mean(name, known)
            raise ConfigError(f"{file}: lightningd has no command '{name}'{near}")
        _read(name, file, is_current=is_current)
        host.command(name)(_answer(name, file, is_current=is_current))


def _files(folder: str) -> dict[str, Path]:
    directory = Path(folder).expanduser()
    if folder and not directory.is_dir():
        raise ConfigError(f"--answers={folder}: there is no such folder")
    return {file.stem: file for file in sorted(directory.glob("*.json"))} if folder else {}


def _named(word: str) -> tuple[str, Path]:
    name, _, file = word.partition("=")
    if not file:
        raise ConfigError(f"--answer={word}: write --answer=COMMAND=FILE")
    return name, Path(file).expanduser()


def _answer(name: str, file: Path, *, is_current: bool) -> Callable[[object], Raw]:
    """Reads the file at each call, so that it may be edited while the plugin runs."""

    def answer(_: object) -> Raw:
        try:
            return Raw(_read(name, file, is_current=is_current))
        except ConfigError as error:
            raise RpcError(PLUGIN_ERROR, str(error)) from None

    return answer


def _read(name: str, file: Path, *, is_current: bool) -> bytes:
    text = b""
    try:
        text = file.read_bytes().strip()
        validate(text)
        if is_current:
            decoder(empty_node.reply_of(name)).decode(text)
    except OSError as error:
        raise ConfigError(f"the answer to {name}, {file}: {error.strerror}") from None
    except MalformedError as error:
        raise ConfigError(f"{file}:{_place(text, error.offset)}: {error.reason}") from None
    except ValidationError as error:
        problem, _, member = str(error).partition(" - at `$.")
        where = f"member '{member[:-1]}'" if member else "the answer"
        raise ConfigError(f"{file}: {where} does not fit {name}: {problem}") from None
    return text


def _place(text: bytes, offset: int) -> str:
    """Line and column, both from 1."""
    before = text[:offset].decode("utf-8", "replace")
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
