"""`init`: the options' values, and where the daemon's socket is. From here on RPC works."""

from __future__ import annotations

from msgspec import Struct, field

from clnwire._wire.structs import Event
from clnwire.types import U16, Hex


class FeatureSet(Event, frozen=True):
    """The daemon's own feature bits (BOLT 9), by where they are announced."""

    init: Hex | None = None
    """To peers that connect."""
    node: Hex | None = None
    """In node announcements."""
    channel: Hex | None = None
    """In channel announcements."""
    invoice: Hex | None = None
    """In invoices of BOLT 11."""
    bolt12_offer: Hex | None = None
    """In offers."""
    bolt12_invreq: Hex | None = None
    """In requests for invoices."""
    bolt12_invoice: Hex | None = None
    """In invoices of BOLT 12."""
    channel_type: Hex | None = None
    """The channel types that the daemon takes."""


class Proxy(Event, frozen=True):
    """The SOCKS proxy that the daemon was told to use."""

    type: str | None = None
    """What kind of address it has."""
    address: str | None = None
    """Its address."""
    port: U16 | None = None
    """Its port."""


class Configuration(Event, frozen=True):
    """What the daemon tells of itself. Beyond the first two, that of 2019 tells nothing."""

    lightning_dir: str = field(name="lightning-dir")
    """The network's own directory, which is also the plugin's working directory today."""
    rpc_file: str = field(name="rpc-file")
    """The unix socket's path, relative to `lightning_dir`."""
    startup: bool | None = None
    """Whether the daemon is just starting, or has started the plugin later."""
    network: str | None = None
    """`bitcoin`, `testnet`, `signet`, `regtest`, …"""
    feature_set: FeatureSet | None = None
    """The daemon's own feature bits."""
    proxy: Proxy | None = None
    """The proxy, if there is one."""
    torv3_enabled: bool | None = field(name="torv3-enabled", default=None)
    """Whether the daemon has an onion service, if there is a proxy."""
    always_use_proxy: bool | None = None
    """Whether all connections must go through the proxy, if there is one."""


class Init(Struct, frozen=True):
    """The params."""

    options: dict[str, bytes]
    """Every option's JSON text, as it came: it may be no JSON (`0x10`)."""
    configuration: Configuration
    """What the daemon tells of itself."""


class Disabled(Event, frozen=True):
    """The answer; an empty one, unless the plugin does not want to run."""

    disable: str | None = None
    """Why it does not."""
