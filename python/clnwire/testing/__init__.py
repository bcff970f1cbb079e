"""Helpers for a plugin's own tests: the embedded host for tests that are plain functions.

With pytest they come as fixtures, `run_plugin` and `clnwire_host`; see `docs/testing.md`. Nothing
here needs pytest.
"""

from __future__ import annotations

from clnwire._wire.lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "_async": "AsyncPlugin RunPluginAsync",
        "_host": "BlockingHost Call NEVER RunPlugin RunningPlugin",
        "_samples": "sample",
        "_traffic": "Traffic",
        "_waiting": "Pending",
    },
)
