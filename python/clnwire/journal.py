"""A durable, append-only journal of the node's sets of writes, in files.

`docs/replica-format.md` specifies the files. One process writes a journal; others may read it
meanwhile with `read`.
"""

from __future__ import annotations

from enum import Enum
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
    "Durability",
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


class Durability(str, Enum):
    """What a record survives once `Journal.append` has returned."""

    POWER_LOSS = "power-loss"
    """A power failure: the disk has it."""
    PROCESS_CRASH = "process-crash"
    """The end of the process, however it ends: the operating system has it."""


def read(directory: str | PathLike[str], after: int, until: int | None = None) -> JournalRecords:
    """The sets after `after`, up to and with `until`, each checked; replaced ones are left out.

    Needs no lock. While a writer appends, the last set read may not be durable yet. Raises
    `FileNotFoundError` if there is no journal, `JournalDamagedError`, and `JournalError` if the
    sets after `after` have been pruned.
    """
    return JournalRecords(directory, after, until)
