"""The messages of start-up: what the plugin offers (`getmanifest`), what it is given (`init`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from clnwire import _core
from clnwire.codec import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clnwire.dialect import Dialect
    from clnwire.logs import Log
    from clnwire.options import Option


class GetManifest(Struct, rename="kebab"):
    """The params of `getmanifest`. The daemon of 2019 sends none."""

    allow_deprecated_apis: bool | None = None
    """Whether deprecated features may still be used; `None` from a daemon that does not say."""


class ManifestOption(Struct, omit_defaults=True):
    """An option, as the manifest announces it."""

    name: str
    type: str
    description: str
    default: str | int | bool | UnsetType = UNSET
    multi: bool = False
    dynamic: bool = False
    deprecated: bool | list[str] = False


class ManifestMethod(Struct, omit_defaults=True):
    """A method, as the manifest announces it."""

    name: str
    usage: str
    """The parameters, optional ones in brackets."""
    description: str
    """One line; the daemon of 2019 wants it."""
    long_description: str | UnsetType = UNSET
    """The daemon of 2019 shows `description` in its place if it is absent."""
    category: str | UnsetType = UNSET
    deprecated: bool | list[str] = False


class ManifestHook(Struct, omit_defaults=True):
    """A hook, as the manifest announces it to the current daemon."""

    name: str
    before: list[str] = []
    """Plugins that come after this one in the hook's chain."""
    after: list[str] = []
    """Plugins that come before this one in the hook's chain."""
    filters: list[str | int] = []
    """Method names (`rpc_command`) or message numbers (`custommsg`) to be called for."""


class ManifestTopic(Struct):
    """A custom topic, as the manifest announces it."""

    method: str


class FeatureBits(Struct, omit_defaults=True):
    """Feature bits of BOLT 9 to announce, each a bitfield in hexadecimal."""

    node: str | UnsetType = UNSET
    init: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    invoice: str | UnsetType = UNSET


class Manifest(Struct, omit_defaults=True):
    """The answer to `getmanifest`."""

    options: list[ManifestOption]
    rpcmethods: list[ManifestMethod]
    subscriptions: list[str]
    hooks: list[str] | list[ManifestHook]
    notifications: list[ManifestTopic]
    dynamic: bool | UnsetType = UNSET
    """Whether the plugin may be started and stopped while the daemon runs."""
    nonnumericids: bool | UnsetType = UNSET
    """Whether ids may be strings. The current daemon refuses a plugin that cannot take them."""
    cancheck: bool | UnsetType = UNSET
    """Whether `check` of a method may be forwarded."""
    featurebits: FeatureBits | UnsetType = UNSET
    custommessages: list[int] | UnsetType = UNSET
    """Odd message numbers that peers may send."""
    disable: str | UnsetType = UNSET
    """Why the plugin does not want to run."""


class FeatureSet(Struct):
    """The daemon's own feature bits, in hexadecimal, by where they are announced."""

    init: str = ""
    node: str = ""
    channel: str = ""
    invoice: str = ""
    bolt12_offer: str = ""
    bolt12_invreq: str = ""
    bolt12_invoice: str = ""
    channel_type: str = ""


class Proxy(Struct):
    """The SOCKS proxy that the daemon was told to use."""

    type: str = ""
    address: str = ""
    port: int = 0


class Configuration(Struct):
    """`configuration` in `init`. Beyond the first two, the daemon of 2019 tells nothing."""

    lightning_dir: str = field(name="lightning-dir")
    """The network's own directory, which is also the plugin's working directory today."""
    rpc_file: str = field(name="rpc-file")
    """The unix socket's path, relative to `lightning_dir`."""
    startup: bool | None = None
    """Whether the daemon is just starting, or has started the plugin later."""
    network: str | None = None
    """`bitcoin`, `testnet`, `signet`, `regtest`, …"""
    feature_set: FeatureSet | None = None
    proxy: Proxy | None = None
    torv3_enabled: bool | None = field(name="torv3-enabled", default=None)
    always_use_proxy: bool | None = None


class Init(Struct):
    """What the daemon tells in `init`."""

    options: dict[str, bytes]
    """Every option's JSON text, as it came: it may be no JSON (`0x10`)."""
    configuration: Configuration


class SetConfig(Struct):
    """The params of `setconfig`, for options that are `dynamic`."""

    config: str
    """The option's name."""
    val: msgspec.Raw | UnsetType = UNSET
    """Absent for a flag, an array for `multi`."""


def decode_init(params: bytes, log: Log) -> Init:
    """Reads `init` even if an option's value is no JSON, or the configuration not as we know it.

    Raises `MalformedError` or `msgspec.ValidationError` if even the socket's place is missing.
    """
    members = dict(_core.members(params))
    options = dict(_core.members(members.get("options", b"{}")))
    raw = members.get("configuration", b"{}")
    try:
        return Init(options, msgspec.json.decode(raw, type=Configuration))
    except msgspec.ValidationError as error:
        place = msgspec.json.decode(raw, type=_Place)
        log.warn(f"init: only the socket's place could be read from the configuration: {error}")
        return Init(options, Configuration(place.lightning_dir, place.rpc_file))


class _Place(Struct, rename="kebab"):
    lightning_dir: str
    rpc_file: str


def announce_option(option: Option[Any], dialect: Dialect) -> ManifestOption:
    """An option's entry in the manifest. The daemon of 2019 knows only strings."""
    default = _announced_default(option)
    if dialect == "2019":
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


def _announced_default(option: Option[Any]) -> str | int | bool | UnsetType:
    """The default, unless the daemon would mangle it.

    The daemon does not unescape a default, so one that JSON must escape is kept to ourselves, as
    is that of a `multi` option: an absent value is replaced by the default here.
    """
    default = option.default
    if default is None or option.multi or option.type == "flag":
        return UNSET
    if isinstance(default, str) and b"\\" in encode(default):
        return UNSET
    announced: str | int | bool = default
    return announced


def _as_text(default: str | int | bool | UnsetType) -> str | UnsetType:
    if isinstance(default, bool):
        return "true" if default else "false"
    return default if default is UNSET else str(default)
