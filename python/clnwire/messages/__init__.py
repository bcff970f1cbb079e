"""The messages that are no hook's and no topic's: those of the start, and those plugins send.

A message stands in the module of its name: `getmanifest` with the manifest, `init`, `setconfig`,
`check`; `log`, `message` and `progress`, which plugins send; `custom`, what they tell each other.
"""

from __future__ import annotations

from clnwire._wire.lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "check": "Check Checked",
        "custom": "CustomNotification",
        "getmanifest": (
            "FeatureBits GetManifest Manifest ManifestHook ManifestMethod ManifestOption "
            "ManifestTopic"
        ),
        "init": "Configuration Disabled FeatureSet Init Proxy",
        "log": "LogLine",
        "message": "Message",
        "progress": "Progress Stage",
        "setconfig": "ConfigSet SetConfig",
    },
)
