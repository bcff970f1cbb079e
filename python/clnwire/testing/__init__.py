"""Helpers for a plugin's own tests: the embedded host for tests that are plain functions.

With pytest they come as fixtures, `run_plugin` and `clnwire_host`; see `docs/testing.md`. Nothing
here needs pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire._wire.lazy import lazy

if TYPE_CHECKING:
    from clnwire.testing._calls import NEVER, Call
    from clnwire.testing._host import BlockingHost, RunningPlugin, RunPlugin
    from clnwire.testing._samples import sample
    from clnwire.testing._traffic import Traffic

__all__ = ["NEVER", "BlockingHost", "Call", "RunPlugin", "RunningPlugin", "Traffic", "sample"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy(
        __name__,
        {
            "_calls": ("NEVER", "Call"),
            "_host": ("BlockingHost", "RunPlugin", "RunningPlugin"),
            "_samples": ("sample",),
            "_traffic": ("Traffic",),
        },
    )
