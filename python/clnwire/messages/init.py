"""`init`: the options' values and the path of the daemon's socket. After it RPC works."""

from msgspec import Struct, field

from clnwire._wire.structs import Event
from clnwire.types import U16, Hex


class FeatureSet(Event, frozen=True):
    """The daemon's feature bits (BOLT 9), by the message that announces them."""

    init: Hex | None = None
    """Announced to peers in `init`."""
    node: Hex | None = None
    """Announced in `node_announcement`."""
    channel: Hex | None = None
    """Announced in `channel_announcement`."""
    invoice: Hex | None = None
    """Announced in BOLT 11 invoices."""
    bolt12_offer: Hex | None = None
    """Announced in BOLT 12 offers."""
    bolt12_invreq: Hex | None = None
    """Announced in BOLT 12 invoice requests."""
    bolt12_invoice: Hex | None = None
    """Announced in BOLT 12 invoices."""
    channel_type: Hex | None = None
    """The channel types that the daemon supports."""


class Proxy(Event, frozen=True):
    """The SOCKS proxy in the daemon's configuration."""

    type: str | None = None
    """The kind of address."""
    address: str | None = None
    """The proxy's address."""
    port: U16 | None = None
    """The proxy's port."""


class Configuration(Event, frozen=True):
    """The daemon's configuration. The daemon of 2019 gives the first two members only."""

    lightning_dir: str = field(name="lightning-dir")
    """The network's directory, which is also the plugin's working directory today."""
    rpc_file: str = field(name="rpc-file")
    """The path of the daemon's unix socket, relative to `lightning_dir`."""
    startup: bool | None = None
    """`True` if the plugin starts with the daemon, `False` if it starts later."""
    network: str | None = None
    """`bitcoin`, `testnet`, `signet`, `regtest`, …"""
    feature_set: FeatureSet | None = None
    """The daemon's feature bits."""
    proxy: Proxy | None = None
    """The SOCKS proxy, if there is one."""
    torv3_enabled: bool | None = field(name="torv3-enabled", default=None)
    """Whether the daemon has an onion service. `None` without a proxy."""
    always_use_proxy: bool | None = None
    """Whether all connections use the proxy. `None` without a proxy."""


class Init(Struct, frozen=True):
    """The params."""

    options: dict[str, bytes]
    """Each option's value as JSON text, unchanged: it may be invalid JSON (`0x10`)."""
    configuration: Configuration
    """The daemon's configuration."""


class Disabled(Event, frozen=True):
    """The reply; empty if the plugin runs."""

    disable: str | None = None
    """Why the plugin does not want to run; `None` if it does."""
