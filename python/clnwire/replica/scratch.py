"""Directories for copies of the database, which do not outlive their process for long."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = ".clnwire-replica-"
_LOCK: Final = "lock"


@contextmanager
def scratch(parent: Path) -> Generator[Path, None, None]:
    """A directory that only its owner may read, removed at the end.

    Removes those of killed processes, which have copies of the database.
    """
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError), lock.open("rb") as found:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        with (folder / f"{_LOCK}.new").open("xb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            # So nobody ever finds it unlocked while this process lives.
            (folder / f"{_LOCK}.new").rename(folder / _LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
