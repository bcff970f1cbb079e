"""`getmanifest`: the daemon asks what the plugin offers. The reply is the manifest.

The daemon also asks for `lightningd --help`, so a plugin should have no effects before `init`.
"""

from typing import Annotated

from clnwire._wire.dialect import OPTION_TYPES
from clnwire._wire.structs import Event
from clnwire.types import U16, Hex, Known


class GetManifest(Event, frozen=True, rename="kebab"):
    """The params. The daemon of 2019 sends none."""

    allow_deprecated_apis: bool | None = None
    """Whether deprecated features may be used; `None` if the daemon does not say."""


class ManifestOption(Event, frozen=True):
    """An option of the plugin."""

    name: str
    """The name without dashes: lower case letters, digits, `-` and `_`."""
    type: Annotated[str, Known(tuple(OPTION_TYPES))]
    """The type of its values; always `string` in 2019."""
    description: str
    """A line for the daemon's `--help`."""
    default: str | int | bool | None = None
    """The value if the user gives none. If it is `None`, `init` then leaves the option out."""
    multi: bool = False
    """Whether the option may be given several times."""
    dynamic: bool = False
    """Whether `setconfig` may change it."""
    deprecated: bool | list[str] = False
    """`True`, or two versions: the one that deprecates it and the one that removes it."""


class ManifestMethod(Event, frozen=True):
    """A method of the plugin."""

    name: str
    """The method's name."""
    usage: str
    """The parameters, with optional ones in brackets."""
    description: str
    """One line about the method, which the daemon of 2019 requires."""
    long_description: str | None = None
    """The full description. Without it the daemon of 2019 shows `description`."""
    category: str | None = None
    """The section of the daemon's `help` that lists the method."""
    deprecated: bool | list[str] = False
    """`True`, or two versions: the one that deprecates it and the one that removes it."""


class ManifestHook(Event, frozen=True):
    """A hook that the plugin answers. The daemon of 2019 accepts the name alone."""

    name: str
    """The hook's name."""
    before: list[str] | None = None
    """The plugins that come after this one in the hook's chain."""
    after: list[str] | None = None
    """The plugins that come before this one in the hook's chain."""
    filters: list[str | int] | None = None
    """The only methods (`rpc_command`) or message numbers (`custommsg`) to get. Since v25.12."""


class ManifestTopic(Event, frozen=True):
    """A custom topic that the plugin publishes."""

    method: str
    """The topic's name."""


class FeatureBits(Event, frozen=True):
    """The feature bits (BOLT 9) that the plugin announces, each member a bit field."""

    node: Hex | None = None
    """Announced in the node's `node_announcement`."""
    init: Hex | None = None
    """Announced to peers in `init`."""
    channel: Hex | None = None
    """Announced in `channel_announcement`."""
    invoice: Hex | None = None
    """Announced in invoices."""


class Manifest(Event, frozen=True):
    """What the plugin offers and subscribes to."""

    options: list[ManifestOption]
    """The plugin's options."""
    rpcmethods: list[ManifestMethod]
    """The plugin's methods."""
    subscriptions: list[str]
    """The topics that the plugin subscribes to."""
    hooks: list[str | ManifestHook]
    """The hooks that the plugin answers."""
    notifications: list[ManifestTopic]
    """The topics that the plugin publishes."""
    dynamic: bool | None = None
    """Whether the plugin may be started and stopped while the daemon runs."""
    nonnumericids: bool | None = None
    """Whether the plugin accepts string ids. Today's daemon refuses plugins that do not."""
    cancheck: bool | None = None
    """Whether the plugin answers `check` for its methods."""
    featurebits: FeatureBits | None = None
    """The feature bits to announce. Not permitted for a `dynamic` plugin."""
    custommessages: list[U16] | None = None
    """The numbers of custom messages, all odd, that peers may send."""
    disable: str | None = None
    """Why the plugin does not want to run; `None` if it does."""
