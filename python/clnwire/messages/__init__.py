"""Messages other than hooks and the daemon's topics.

Each module has its message's name. The daemon sends `getmanifest`, `init`, `setconfig` and
`check`. Plugins send `log`, `message`, `progress` and custom notifications (`custom`).
"""

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
