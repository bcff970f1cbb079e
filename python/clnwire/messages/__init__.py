"""The messages that are no hook's and no topic's: those of the start, and those plugins send.

A message stands in the module of its name: `getmanifest` with the manifest, `init`, `setconfig`,
`check`; `log`, `message` and `progress`, which plugins send; `custom`, what they tell each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire._wire.lazy import lazy

if TYPE_CHECKING:
    from clnwire.messages.check import Check, Checked
    from clnwire.messages.custom import CustomNotification
    from clnwire.messages.getmanifest import (
        FeatureBits,
        GetManifest,
        Manifest,
        ManifestHook,
        ManifestMethod,
        ManifestOption,
        ManifestTopic,
    )
    from clnwire.messages.init import Configuration, Disabled, FeatureSet, Init, Proxy
    from clnwire.messages.log import LogLine
    from clnwire.messages.message import Message
    from clnwire.messages.progress import Progress, Stage
    from clnwire.messages.setconfig import ConfigSet, SetConfig

__all__ = [
    "Check",
    "Checked",
    "ConfigSet",
    "Configuration",
    "CustomNotification",
    "Disabled",
    "FeatureBits",
    "FeatureSet",
    "GetManifest",
    "Init",
    "LogLine",
    "Manifest",
    "ManifestHook",
    "ManifestMethod",
    "ManifestOption",
    "ManifestTopic",
    "Message",
    "Progress",
    "Proxy",
    "SetConfig",
    "Stage",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy(
        __name__,
        {
            "check": ("Check", "Checked"),
            "custom": ("CustomNotification",),
            "getmanifest": (
                "FeatureBits",
                "GetManifest",
                "Manifest",
                "ManifestHook",
                "ManifestMethod",
                "ManifestOption",
                "ManifestTopic",
            ),
            "init": ("Configuration", "Disabled", "FeatureSet", "Init", "Proxy"),
            "log": ("LogLine",),
            "message": ("Message",),
            "progress": ("Progress", "Stage"),
            "setconfig": ("ConfigSet", "SetConfig"),
        },
    )
