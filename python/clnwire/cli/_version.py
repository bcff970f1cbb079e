"""The version of the host's database, kept in a file from run to run.

Otherwise a replica would see the database go back in time, and refuse it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "clnwire.data_version"


class DataVersion:
    """The last version that was committed, in a file of a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def last(self) -> int:
        """The last version; 0 if the file is missing or holds no number."""
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return 0

    def commit(self, version: int) -> None:
        """Saves the version of a set that the plugins have accepted. Raises `OSError`."""
        self._path.write_text(f"{version}\n")
