"""`getmanifest`: the daemon asks what the plugin offers. The answer is the manifest.

It may be asked for the daemon's `--help` alone, so a plugin should touch nothing before `init`.
"""

from __future__ import annotations

from typing import Annotated

from clnwire._wire.dialect import OPTION_TYPES
from clnwire._wire.structs import Event
from clnwire.types import U16, Hex, Known


class GetManifest(Event, frozen=True, rename="kebab"):
    """The params. The daemon of 2019 sends none."""

    allow_deprecated_apis: bool | None = None
    """Whether deprecated features may still be used; `None` from a daemon that does not say."""


class ManifestOption(Event, frozen=True):
    """An option."""

    name: str
    """Without the dashes: lower case letters, digits, `-` and `_`."""
    type: Annotated[str, Known(tuple(OPTION_TYPES))]
    """What values it takes; in 2019 always `string`."""
    description: str
    """For the daemon's `--help`."""
    default: str | int | bool | None = None
    """What holds if nothing is given. `None`: then it is not in `init`."""
    multi: bool = False
    """It may be given several times."""
    dynamic: bool = False
    """`setconfig` may change it."""
    deprecated: bool | list[str] = False
    """Or the versions from which on it is deprecated, and gone."""


class ManifestMethod(Event, frozen=True):
    """A method."""

    name: str
    """What it is called by."""
    usage: str
    """The parameters, optional ones in brackets."""
    description: str
    """One line; the daemon of 2019 wants it."""
    long_description: str | None = None
    """The daemon of 2019 shows `description` in its place if it is absent."""
    category: str | None = None
    """Where the daemon's help lists it."""
    deprecated: bool | list[str] = False
    """Or the versions from which on it is deprecated, and gone."""


class ManifestHook(Event, frozen=True):
    """A hook. The daemon of 2019 takes only its name."""

    name: str
    """The hook's name."""
    before: list[str] | None = None
    """Plugins that come after this one in the hook's chain."""
    after: list[str] | None = None
    """Plugins that come before this one in the hook's chain."""
    filters: list[str | int] | None = None
    """Method names (`rpc_command`) or message numbers (`custommsg`) to be called for. Since
    v25.12."""


class ManifestTopic(Event, frozen=True):
    """A custom topic."""

    method: str
    """Its name."""


class FeatureBits(Event, frozen=True):
    """Feature bits of BOLT 9 to announce, each a bitfield."""

    node: Hex | None = None
    """In node announcements."""
    init: Hex | None = None
    """To peers that connect."""
    channel: Hex | None = None
    """In channel announcements."""
    invoice: Hex | None = None
    """In invoices."""


class Manifest(Event, frozen=True):
    """The answer: what the plugin offers, and what it wants to be told."""

    options: list[ManifestOption]
    """Its options."""
    rpcmethods: list[ManifestMethod]
    """Its methods."""
    subscriptions: list[str]
    """The topics that it subscribes to."""
    hooks: list[str | ManifestHook]
    """The hooks that it answers."""
    notifications: list[ManifestTopic]
    """The topics that it publishes."""
    dynamic: bool | None = None
    """Whether the plugin may be started and stopped while the daemon runs."""
    nonnumericids: bool | None = None
    """Whether ids may be strings. The current daemon refuses a plugin that cannot take them."""
    cancheck: bool | None = None
    """Whether `check` of a method may be forwarded."""
    featurebits: FeatureBits | None = None
    """What to announce. Not for a plugin that is `dynamic`."""
    custommessages: list[U16] | None = None
    """Odd numbers of messages that peers may send."""
    disable: str | None = None
    """Why the plugin does not want to run, if it does not."""
