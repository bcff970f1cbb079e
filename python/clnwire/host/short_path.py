"""Another name of a unix socket whose path is too long for the system's calls."""

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
"""Bytes of a socket's path that all systems take: 104 at least, one of them a zero."""


@contextmanager
def shortened(path: Path) -> Generator[str, None, None]:
    """A name of `path` that fits, for as long as the block runs. Raises `OSError`.

    lightningd binds a name relative to its directory, so that it may be in a deep one.
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
