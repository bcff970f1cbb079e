"""The settings of a replica: `clnwire-replica.toml` in the network's directory."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
import msgspec.toml

from clnwire._wire.nearest import did_you_mean
from clnwire.replica.errors import RefusedError
from clnwire.replica.rules import OnGap

FILE: Final = "clnwire-replica.toml"
ENVIRONMENT: Final = "CLNWIRE_REPLICA_SETTINGS"
SCHEMES: Final = ("file", "postgresql", "s3")
UNITS: Final = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class SettingsError(RefusedError):
    """The settings are missing or wrong; the message names file, key, and what is allowed."""


class ReplicaSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What `clnwire-replica.toml` says. Its keys have hyphens where members have underscores."""

    engine: str
    """Where the replica is stored: `file:/DIRECTORY`, `postgresql://…` or `s3://…`."""
    node: str
    """The node's name in the engine."""
    credentials_file: Path | None = None
    """A file with the engine's secrets, which only its owner may read."""
    durability: Literal["single", "sync"] = "single"
    """What an acknowledgement means: one server has synced the set, or its standby too."""
    survives: Literal["power-loss", "process-crash"] = "power-loss"
    """What a set survives in a `file:` engine. `process-crash` does not wait for the disk."""
    patience: float = 30.0
    """Seconds that a set may wait for the engine before the node has to end."""
    when_down: Literal["refuse", "journal"] = "refuse"
    """What follows when the patience is over: the node ends, or a local journal takes the sets."""
    journal: Path | None = None
    """The directory of that journal, on another disk than the node's database."""
    journal_minutes: float = 15.0
    """How long that journal may stand in for the engine."""
    lease_seconds: float = 60.0
    """How long a silent instance keeps others from starting."""
    snapshot_interval: int = 256 << 20
    """Bytes of sets after which a new base is made."""
    snapshot_retention: int = 2
    """How many bases are kept."""
    compression: Literal["none", "zlib"] = "none"
    encryption_key_file: Path | None = None
    """A file with 64 hexadecimal digits. Keep a copy of it away from the replica."""
    on_gap: OnGap = OnGap.HEAL
    """What to do when the node has committed sets that the replica lacks."""
    database: Path = Path("lightningd.sqlite3")
    """The node's database."""
    metrics: Path = Path("clnwire-replica.prom")
    """The file with figures for Prometheus."""

    @property
    def scheme(self) -> str:
        """The kind of engine."""
        return urlsplit(self.engine).scheme

    @property
    def local_directory(self) -> Path:
        """The directory of a `file:` engine."""
        return Path(urlsplit(self.engine).path)


def settings_path() -> Path:
    """Where the settings are: the file that the environment names, or the working directory's."""
    return Path(os.environ.get(ENVIRONMENT) or FILE).absolute()


def load(path: Path | None = None) -> ReplicaSettings:
    """Reads and checks the settings. Relative paths start at the directory of the file."""
    path = settings_path() if path is None else path.absolute()
    try:
        table = msgspec.toml.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        raise SettingsError(
            f"there is no {path}: say where the replica is to be stored, on another disk or "
            f"machine, by `clnwire replica init file:/mnt/backup/replica --directory {path.parent}`"
        ) from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from error
    return from_table(table, path)


def from_table(table: Mapping[str, Any], path: Path) -> ReplicaSettings:
    """The settings of a decoded file; `path` is named in errors, and relative paths start there."""
    values = {key: _value(key, value, path) for key, value in table.items()}
    for key in ("engine", "node"):
        if key not in values:
            raise SettingsError(f"{path}: {key} is missing: {_KEYS[key].allowed}")
    for key in ("database", "metrics"):
        values.setdefault(key, path.parent / _default(key))
    settings = ReplicaSettings(**{key.replace("-", "_"): value for key, value in values.items()})
    _check_together(settings, path)
    return settings


def _default(key: str) -> Path:
    names = {"database": "lightningd.sqlite3", "metrics": "clnwire-replica.prom"}
    return Path(names[key])


def _check_together(settings: ReplicaSettings, path: Path) -> None:
    if settings.durability == "sync" and settings.scheme == "file":
        raise SettingsError(
            f'{path}: durability = "sync" needs a server with a standby; a file: engine always '
            "waits for its disk, unless survives says otherwise"
        )
    if settings.when_down == "journal":
        if settings.journal is None:
            raise SettingsError(
                f'{path}: when-down = "journal" needs journal, a directory on another disk than '
                "the node's database"
            )
        if settings.scheme == "file":
            raise SettingsError(
                f'{path}: when-down = "journal" is for engines on other machines; a file: engine '
                "is a journal itself"
            )
        if settings.lease_seconds <= settings.patience:
            raise SettingsError(
                f'{path}: lease-seconds must exceed patience with when-down = "journal", since an '
                "unreachable engine renews no lease"
            )
    key = settings.encryption_key_file
    if key is not None and settings.scheme == "file" and _is_in(key, settings.local_directory):
        raise SettingsError(
            f"{path}: encryption-key-file = {str(key)!r} is beside the data that it encrypts; "
            "move it to another disk"
        )


def _is_in(path: Path, directory: Path) -> bool:
    return directory.resolve() in path.resolve().parents


def _value(key: str, value: object, path: Path) -> Any:
    known = _KEYS.get(key)
    if known is None:
        raise SettingsError(
            f"{path}: there is no setting {key!r}{did_you_mean(key, _KEYS)}; "
            f"there are {', '.join(sorted(_KEYS))}"
        )
    try:
        converted = known.convert(value)
    except _SecretError as error:
        raise SettingsError(f"{path}: {key} {error}") from None
    except ValueError as error:
        hint = f": {error}" if str(error) else ""
        if isinstance(value, str):
            hint += did_you_mean(value, known.choices)
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        raise SettingsError(f"{path}: {key} = {shown}{hint}; allowed is {known.allowed}") from None
    return path.parent / converted if isinstance(converted, Path) else converted


class _SecretError(ValueError):
    """The value must not be shown."""


class _Key(msgspec.Struct, frozen=True):
    convert: Callable[[object], object]
    """Raises `ValueError`; its text says more than what is allowed."""
    allowed: str
    choices: tuple[str, ...] = ()


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _node(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        raise ValueError
    return text


def _engine(value: object) -> str:
    text = _text(value)
    if text.startswith("/"):
        raise ValueError(f"did you mean file:{text}?")
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"an engine of that kind is unknown{did_you_mean(parts.scheme, SCHEMES)}")
    if parts.password is not None or "password=" in parts.query:
        raise _SecretError("has a password, which would end up in messages; use credentials-file")
    if parts.scheme == "file" and (not parts.path.startswith("/") or parts.netloc):
        raise ValueError("the directory must begin with /")
    if parts.scheme == "file" and re.search("[#?]", text):
        raise ValueError("the directory must not have # or ?, which end the path of a URL")
    return text


def _path(value: object) -> Path:
    return Path(_text(value)).expanduser()


def _one_of(*choices: str) -> _Key:
    def convert(value: object) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return _Key(convert, " or ".join(f'"{choice}"' for choice in choices), choices)


def _seconds(least: float, most: float, unit: str = "seconds") -> _Key:
    def convert(value: object) -> float:
        number = value if isinstance(value, (int, float)) else -1
        if not least <= number <= most or isinstance(value, bool):
            raise ValueError
        return float(number)

    return _Key(convert, f"a number of {unit} from {least:g} to {most:g}")


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError
    return value


def _size(value: object) -> int:
    found = re.fullmatch(r"(\d+) *([A-Za-z]*)", str(value))
    if isinstance(value, bool) or found is None or found[2] not in UNITS:
        raise ValueError
    size = int(found[1]) * UNITS[found[2]]
    if size < 1 << 10:
        raise ValueError
    return size


def _on_gap(value: object) -> OnGap:
    return OnGap(value)


_KEYS: Final[dict[str, _Key]] = {
    "engine": _Key(_engine, "file:/DIRECTORY, postgresql://USER@HOST/DATABASE or s3://BUCKET/PATH"),
    "node": _Key(_node, "a name of at most 64 letters, digits, '.', '_' and '-'"),
    "credentials-file": _Key(_path, "a path"),
    "durability": _one_of("single", "sync"),
    "survives": _one_of("power-loss", "process-crash"),
    "patience": _seconds(0, 3600),
    "when-down": _one_of("refuse", "journal"),
    "journal": _Key(_path, "a path"),
    "journal-minutes": _seconds(0.1, 1440, "minutes"),
    "lease-seconds": _seconds(2, 3600),
    "snapshot-interval": _Key(_size, 'a size of at least 1 KiB, such as "256 MiB"'),
    "snapshot-retention": _Key(_count, "a count from 1"),
    "compression": _one_of("none", "zlib"),
    "encryption-key-file": _Key(_path, "a path"),
    "on-gap": msgspec.structs.replace(_one_of("heal", "refuse"), convert=_on_gap),
    "database": _Key(_path, "a path"),
    "metrics": _Key(_path, "a path"),
}


def render(settings: ReplicaSettings, directory: Path) -> str:
    """The settings as the text of a file in a directory: all that differ from their default."""
    default = ReplicaSettings(
        engine="",
        node="",
        database=directory / _default("database"),
        metrics=directory / _default("metrics"),
    )
    lines: list[str] = []
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        if value != getattr(default, field.name):
            lines.append(f"{field.encode_name} = {_toml(value)}\n")
    return "".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, OnGap):
        value = value.value
    if isinstance(value, (str, Path)):
        # A basic string of TOML has the escapes of JSON.
        return msgspec.json.encode(str(value)).decode()
    return f"{value:g}" if isinstance(value, float) else str(value)
