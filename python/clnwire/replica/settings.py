"""The settings of a replica: `clnwire-replica.toml` in the network's directory."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
import msgspec.toml
from msgspec import Meta

from clnwire._wire.codec import UNDECODABLE
from clnwire._wire.foreign import shortened
from clnwire._wire.nearest import did_you_mean
from clnwire.replica.errors import RefusedError
from clnwire.replica.rules import OnGap

FILE: Final = "clnwire-replica.toml"
ENVIRONMENT: Final = "CLNWIRE_REPLICA_SETTINGS"
_LONGEST: Final = 16 << 10
"""The most bytes of the file: a TOML reader takes ever longer for each further one."""
_LONGEST_URL: Final = 1000
_SHOWN: Final = 300
"""The most characters of a value that a message shows."""
_SCHEMES: Final = ("file", "postgresql", "s3")
_UNITS: Final = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_PASSWORD: Final = re.compile(
    r"://[^/?#:]*:[^/?#]*@|://[^/?#@]+:(?!\d+/)[^?#]*@|(^|[\s?&])(ssl)?password\s*="
)
"""Finds one in the URL of an engine, and in what was meant to be one."""
_NODE: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"


class SettingsError(RefusedError):
    """The settings are missing or wrong; the message names file, key, and what is allowed."""


def _number(least: float, most: float, unit: str = "seconds") -> Meta:
    allowed = f"a number of {unit} from {least:g} to {most:g}"
    return Meta(ge=least, le=most, description=allowed)


class ReplicaSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What `clnwire-replica.toml` says. Its keys have hyphens where members have underscores."""

    engine: Annotated[
        str,
        Meta(description="file:/DIRECTORY, postgresql://USER@HOST/DATABASE or s3://BUCKET/PATH"),
    ]
    """Where the replica is stored: `file:/DIRECTORY`, `postgresql://…` or `s3://…`."""
    node: Annotated[
        str,
        Meta(pattern=_NODE, description="a name of at most 64 letters, digits, '.', '_' and '-'"),
    ]
    """The node's name in the engine."""
    credentials_file: Path | None = None
    """A file with the engine's secrets, which only its owner may read."""
    durability: Literal["single", "sync"] = "single"
    """What an acknowledgement means: one server has synced the set, or its standby too."""
    survives: Literal["power-loss", "process-crash"] = "power-loss"
    """What a set survives in a `file:` engine. `process-crash` does not wait for the disk."""
    patience: Annotated[float, _number(0, 3600)] = 30.0
    """Seconds that a set may wait for the engine before the node has to end."""
    when_down: Literal["refuse", "journal"] = "refuse"
    """What follows when the patience is over: the node ends, or a local journal takes the sets."""
    journal: Path | None = None
    """The directory of that journal, on another disk than the node's database."""
    journal_minutes: Annotated[float, _number(0.1, 1440, "minutes")] = 15.0
    """How long that journal may stand in for the engine."""
    lease_seconds: Annotated[float, _number(2, 3600)] = 60.0
    """How long a silent instance keeps others from starting."""
    snapshot_interval: Annotated[
        int, Meta(ge=1 << 10, description='a size of at least 1 KiB, such as "256 MiB"')
    ] = 256 << 20
    """Bytes of sets after which a new base is made."""
    snapshot_retention: Annotated[int, Meta(ge=1, description="a count from 1")] = 2
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


_FIELDS: Final = msgspec.structs.fields(ReplicaSettings)
_KINDS: Final = {field.encode_name: field.type for field in _FIELDS}


def settings_path() -> Path:
    """Where the settings are: the file that the environment names, or the working directory's."""
    return Path(os.environ.get(ENVIRONMENT) or FILE).absolute()


def load(path: Path | None = None) -> ReplicaSettings:
    """Reads and checks the settings. Relative paths start at the directory of the file."""
    path = settings_path() if path is None else path.absolute()
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
        if len(content) > _LONGEST:
            raise SettingsError(
                f"{path}: is longer than {_LONGEST >> 10} KiB: too long for settings"
            )
        table = msgspec.toml.decode(content, type=dict[str, Any])
    except FileNotFoundError:
        raise SettingsError(
            f"there is no {path}: say where the replica is to be stored, on another disk or "
            f"machine, by `clnwire replica init file:/mnt/backup/replica --directory {path.parent}`"
        ) from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, *UNDECODABLE) as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from error
    return from_table(table, path)


def from_table(table: Mapping[str, Any], path: Path) -> ReplicaSettings:
    """The settings of a decoded file; `path` is named in errors, and relative paths start there."""
    for key in table:
        if key not in _KINDS:
            raise SettingsError(
                f"{path}: there is no setting {shortened(key)!r}{did_you_mean(key, _KINDS)}; "
                f"there are {', '.join(sorted(_KINDS))}"
            )
    values: dict[str, Any] = {}
    for field in _FIELDS:
        key, value = field.encode_name, field.default
        if key in table:
            value = _value(key, table[key], path)
        elif field.required:
            raise SettingsError(f"{path}: {key} is missing: {_allowed(key)}")
        values[field.name] = path.parent / value if isinstance(value, Path) else value
    settings = ReplicaSettings(**values)
    _check_together(settings, path)
    return settings


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
    if (
        key is not None
        and settings.scheme == "file"
        and (settings.local_directory.resolve() in key.resolve().parents)
    ):
        raise SettingsError(
            f"{path}: encryption-key-file = {str(key)!r} is beside the data that it encrypts; "
            "move it to another disk"
        )


def _value(key: str, value: object, path: Path) -> Any:
    kind = _KINDS[key]
    if key == "engine" and len(str(value)) > _LONGEST_URL:
        raise SettingsError(f"{path}: engine has more than {_LONGEST_URL} characters")
    if key == "engine" and _PASSWORD.search(str(value)):
        raise SettingsError(
            f"{path}: engine has a password, which would end up in messages; use credentials-file"
        )
    try:
        if isinstance(value, str) and re.search(r"[\0-\x1f]", value):
            raise _MistakeError("it has a control character")
        number = _bytes(value) if key == "snapshot-interval" else value
        converted = msgspec.convert(number, kind, dec_hook=_path)
        if key == "engine":
            _check_engine(converted)
    except (_MistakeError, msgspec.MsgspecError) as error:
        hint = f": {error}" if isinstance(error, _MistakeError) else ""
        if isinstance(value, str):
            hint += did_you_mean(value, _choices(kind))
        shown = str(value).lower() if isinstance(value, bool) else shortened(repr(value), _SHOWN)
        raise SettingsError(f"{path}: {key} = {shown}{hint}; allowed is {_allowed(key)}") from None
    return converted


def _choices(kind: Any) -> tuple[str, ...]:
    if kind is OnGap:
        return tuple(each.value for each in OnGap)
    return get_args(kind) if get_origin(kind) is Literal else ()


def _allowed(key: str) -> str:
    kind = _KINDS[key]
    if get_origin(kind) is Annotated:
        return str(get_args(kind)[1].description)
    if kind == Path or Path in get_args(kind):
        return "a path"
    return " or ".join(f'"{choice}"' for choice in _choices(kind))


def _bytes(value: object) -> object:
    """The number that a text such as `256 MiB` means."""
    found = re.fullmatch(r"(\d{1,20}) *([A-Za-z]*)", value) if isinstance(value, str) else None
    return int(found[1]) * _UNITS[found[2]] if found and found[2] in _UNITS else value


class _MistakeError(Exception):
    """Says more than what is allowed."""


def _path(_kind: type, value: object) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise _MistakeError("there is no such user") from None


def _check_engine(text: str) -> None:
    if text.startswith("/"):
        raise _MistakeError(f"did you mean file:{text}?")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise _MistakeError(f"{error}") from None
    if parts.scheme not in _SCHEMES:
        known = did_you_mean(parts.scheme, _SCHEMES)
        raise _MistakeError(f"an engine of that kind is unknown{known}")
    if parts.scheme == "file" and (not parts.path.startswith("/") or parts.netloc):
        raise _MistakeError("the directory must begin with /")
    if parts.scheme == "file" and re.search("[#?]", text):
        raise _MistakeError("the directory must not have # or ?, which end the path of a URL")


def render(settings: ReplicaSettings, directory: Path) -> str:
    """The settings as the text of a file in a directory: all that differ from their default."""
    lines: list[str] = []
    for field in _FIELDS:
        value, default = getattr(settings, field.name), field.default
        if value != (directory / default if isinstance(default, Path) else default):
            lines.append(f"{field.encode_name} = {_toml(value)}\n")
    return "".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, OnGap):
        value = value.value
    if isinstance(value, (str, Path)):
        # A basic string of TOML has the escapes of JSON.
        return msgspec.json.encode(str(value)).decode()
    return f"{value:g}" if isinstance(value, float) else str(value)
