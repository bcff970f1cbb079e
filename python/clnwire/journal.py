"""A durable, append-only journal of the node's sets of writes, in files.

`docs/replica-format.md` specifies the files. One process writes a journal; others may read it
meanwhile with `read`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire._core import (
    Journal,
    JournalDamagedError,
    JournalError,
    JournalFailedError,
    JournalFullError,
    JournalLockedError,
    JournalRecords,
    chain_of,
    digest_of_file,
)
from clnwire._core import prune_journal as prune

if TYPE_CHECKING:
    from os import PathLike

__all__ = [
    "Journal",
    "JournalDamagedError",
    "JournalError",
    "JournalFailedError",
    "JournalFullError",
    "JournalLockedError",
    "chain_of",
    "digest_of_file",
    "prune",
    "read",
]


def read(directory: str | PathLike[str], after: int, until: int | None = None) -> JournalRecords:
    """The sets after `after`, up to and with `until`, each checked; replaced ones are left out.

    Needs no lock. While a writer appends, the last set read may not be durable yet. Raises
    `FileNotFoundError` if there is no journal, `JournalDamagedError`, and `JournalError` if the
    sets after `after` have been pruned.
    """
    return JournalRecords(directory, after, until)
