"""The commands of `clnwire run`'s host: an empty node's, the user's answers, and events on demand.

`clnwire fire` and `clnwire hook` call the last.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from msgspec import UNSET, Raw, ValidationError

from clnwire._core import MalformedError, validate
from clnwire._wire.nearest import did_you_mean
from clnwire.cli._settings import RunSettings
from clnwire.error_codes import INVALID_PARAMS, PLUGIN_ERROR
from clnwire.errors import RpcError
from clnwire.host import Host, HostError, empty_node
from clnwire.host.config import ConfigError
from clnwire.host.rules.samples import hook_sample, topic_sample
from clnwire.notifications._catalogue import NATIVE
from clnwire.rpc._text import decoder

ORIGIN: Final = "clnwire"
"""The publisher of a custom topic."""


def register(host: Host, settings: RunSettings, commit: Callable[[int], object]) -> None:
    """Adds the commands; plugins can then no longer register methods of these names.

    Of answers for one command the last counts, and one by name before one of a folder. `commit`
    gets the version of each set that the plugins have accepted. Raises `ConfigError` for an unknown
    command and for a file that does not hold its result.
    """
    empty_node.register(host)
    dialect, known = settings.single["dialect"], empty_node.command_names()
    files = _files(settings.single["answers"]) | dict(map(_named, settings.lists["answer"]))
    for name, file in files.items():
        if name not in known:
            near = did_you_mean(name, known)
            raise ConfigError(f"{file}: lightningd has no command '{name}'{near}")
        answer = _Answer(name, file, is_current=dialect == "current")
        answer.read()
        host.command(name)(answer)
    on_demand = _OnDemand(host, dialect, commit)
    host.command("clnwire-fire")(on_demand.fire)
    host.command("clnwire-hook")(on_demand.hook)


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


class _Answer:
    """Reads the file at each call, so that it may be edited while the plugin runs."""

    def __init__(self, name: str, file: Path, *, is_current: bool) -> None:
        self._name, self._file, self._is_current = name, file, is_current

    def __call__(self, params: object) -> Raw:
        try:
            return Raw(self.read())
        except ConfigError as error:
            raise RpcError(PLUGIN_ERROR, str(error)) from None

    def read(self) -> bytes:
        """The file's JSON, checked by the command's schema, which is known of today's daemon."""
        name, file, text = self._name, self._file, b""
        try:
            text = file.read_bytes().strip()
            validate(text)
            if self._is_current:
                decoder(empty_node.reply_of(name)).decode(text)
        except OSError as error:
            raise ConfigError(f"the answer to {name}, {file}: {error.strerror}") from None
        except MalformedError as error:
            before = text[: error.offset].decode("utf-8", "replace")
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            raise ConfigError(f"{file}:{line}:{column}: {error.reason}") from None
        except ValidationError as error:
            problem, _, member = str(error).partition(" - at `$.")
            where = f"member '{member[:-1]}'" if member else "the answer"
            raise ConfigError(f"{file}: {where} does not fit {name}: {problem}") from None
        return text


class _OnDemand:
    """The params are `topic` or `hook`, and `payload`; without `payload` a sample is sent."""

    def __init__(self, host: Host, dialect: str, commit: Callable[[int], object]) -> None:
        self._host, self._dialect, self._commit = host, dialect, commit

    def fire(self, params: Any) -> object:
        topic, payload = self._event(params, "topic", topic_sample)
        origin = None if topic in NATIVE else ORIGIN
        times = self._host.notify(topic, payload, origin=origin)
        if not times:
            raise RpcError(INVALID_PARAMS, self._unheard(topic))
        return {"topic": topic, "payload": payload, "sent": times}

    def _unheard(self, topic: str) -> str:
        heard = sorted({t for each in self._host.plugins for t in each.manifest.subscriptions})
        listed = f"; the plugins subscribe to {', '.join(heard)}" if heard else ""
        hint = did_you_mean(topic, heard) or listed or "; subscribe to it and restart the plugin"
        return f"no plugin has subscribed to '{topic}'{hint}"

    async def hook(self, params: Any) -> object:
        name, payload = self._event(params, "hook", hook_sample)
        try:
            if name != "db_write" or "payload" in params:
                return await self._host.hook(name, payload)
            # With the host's next version.
            version = await self._host.db_write(hook_sample(name)["writes"])
        except HostError as error:
            raise RpcError(INVALID_PARAMS, str(error)) from None
        self._commit(version)
        return {"result": "continue", "data_version": version}

    def _event(self, params: Any, key: str, find: Any) -> tuple[str, object]:
        """The name, and the payload or a sample of it."""
        members = cast("Mapping[str, object]", params if isinstance(params, dict) else {})
        name, payload = members.get(key), members.get("payload", UNSET)
        if not isinstance(name, str):
            raise RpcError(INVALID_PARAMS, f"{key}: must be a string")
        try:
            return name, find(name, self._dialect) if payload is UNSET else payload
        except LookupError as error:
            raise RpcError(INVALID_PARAMS, str(error)) from None
