"""A short alias for a unix socket's path that is too long for `bind` and `connect`."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

LONGEST: Final = 100
"""The longest path in bytes that all systems accept: `sun_path` has at least 104 bytes with NUL."""


@contextmanager
def shortened(path: Path) -> Generator[str, None, None]:
    """Yields an alias of `path` that fits; it is valid within the context. Raises `OSError`.

    lightningd avoids the limit by binding a name relative to its working directory.
    """
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
    elif sys.platform == "linux":
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{folder}/{path.name}"
        finally:
            os.close(folder)
    else:
        with tempfile.TemporaryDirectory(prefix="clnwire-", dir="/tmp") as place:
            link = Path(place) / "d"
            link.symlink_to(path.parent.absolute())
            yield str(link / path.name)
