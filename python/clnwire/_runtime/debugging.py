"""`breakpoint()` in a plugin: a debugger would read from stdin, which carries the protocol."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from clnwire._core import Driver

HOW_TO_DEBUG: Final = (
    "stdin carries the protocol. Debug the plugin in a test with `run_plugin(plugin)` "
    "(docs/testing.md), or over a socket: PYTHONBREAKPOINT=remote_pdb.set_trace"
)


def skip_breakpoints(driver: Driver) -> None:
    """Makes `breakpoint()` log how to debug a plugin and return.

    Leaves it alone if `PYTHONBREAKPOINT` or another `sys.breakpointhook` is set.
    """
    if sys.breakpointhook is not sys.__breakpointhook__:
        return

    def hook(*args: Any, **keywords: Any) -> Any:
        if os.environ.get("PYTHONBREAKPOINT"):
            return sys.__breakpointhook__(*args, **keywords)
        caller = sys._getframe().f_back  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        place = "" if caller is None else f" at {caller.f_code.co_filename}:{caller.f_lineno}"
        driver.log("warn", f"breakpoint(){place} is skipped: {HOW_TO_DEBUG}")
        return None

    sys.breakpointhook = hook
