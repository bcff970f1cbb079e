#!/usr/bin/env python3
"""A small replica, which shows how `clnwire.replica.rules` and `clnwire.journal` are used.

The node commits no set of writes before the journal has it on the disk. To protect a node, use
`clnwire-replica`: it also stores on other machines, waits for them, and has commands.

The replica is in the folder CLNWIRE_REPLICA, or in `replica` beside the node's database.
`replica.py restore FILE` makes a database of it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from functools import cache
from pathlib import Path

import msgspec

from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue, Refuse
from clnwire.journal import Journal, JournalError, digest_of_file, read
from clnwire.replica import rules
from clnwire.replica.applying import Applier
from clnwire.replica.errors import ReplicaError
from clnwire.replica.files import write_synced
from clnwire.replica.owner import Owner
from clnwire.replica.records import VERSIONS, Head
from clnwire.replica.sets import read_set
from clnwire.replica.snapshot import copy_raw

FOLDER = Path(os.environ.get("CLNWIRE_REPLICA", "replica")).absolute()
NODE = "node"
plugin = Plugin()


class Replica:
    """Each generation is a copy of the node's database, and a journal of the sets after it."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder, self.database = folder, database
        self.owner = Owner(database.parent, NODE)
        self.following: rules.Following | None = None
        folder.mkdir(0o700, exist_ok=True)
        # While this is locked, no other instance can change the head.
        self.lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReplicaError(f"another process keeps the replica in {folder}") from None

    def take(self, payload: bytes) -> None:
        """Makes a set of writes durable. Raises if the node must not commit it."""
        change = read_set(payload)
        if self.following is None:
            self.following = self.start(rules.committed_version(change))
        step = self.following.step(change)
        if isinstance(step, rules.Refusal):
            raise ReplicaError(str(step))
        if isinstance(step, rules.Store):
            self.journal.append(step.sequence, self.head.epoch, step.foreign_keys, payload)
        self.following = step.after

    def start(self, version: int) -> rules.Following:
        """Compares the node's database with the journal, and makes this instance the owner."""
        last = self.read_head()
        decision = rules.decide_start(
            last,
            version,
            known=last is not None and self.owner.knows(last),
            highest_epoch=self.owner.highest_epoch,
            on_gap=rules.OnGap.HEAL,
        )
        if isinstance(decision, rules.Refusal):
            raise ReplicaError(str(decision))
        # Claimed first: after a crash in between, the node still knows the head as its own.
        token = self.owner.claim(decision.epoch)
        if isinstance(decision, rules.TakeOver):
            self.head = decision.head(token)
        else:
            self.head = self.begin(decision, token)
        write_synced(self.folder / "head.json", msgspec.json.encode(self.head))
        return decision.following

    def read_head(self) -> Head | None:
        """What is stored last. The file has the owner, and the journal the last set."""
        if not (self.folder / "head.json").exists():
            return None
        head = stored_head(self.folder)
        self.journal = Journal.open(self.folder / str(head.generation) / "journal")
        last, chain = self.journal.sequence, self.journal.chain
        return msgspec.structs.replace(head, sequence=last, chain=chain)

    def begin(self, decision: rules.Begin, token: str) -> Head:
        """Copies the node's database. Nobody writes to it while the node waits for the answer."""
        plugin.log.info(str(decision))
        place = self.folder / str(decision.generation)
        shutil.rmtree(place, ignore_errors=True)  # What a crash left, which no head names.
        place.mkdir(0o700)
        base = place / f"{decision.sequence}.sqlite3"
        version = decision.sequence % VERSIONS
        # A new node has no database yet.
        raw = copy_raw(self.database, base, plugin.log.info, may_be_absent=version == 0)
        raw.open(version)
        chain = digest_of_file(base)
        path = place / "journal"
        self.journal = Journal.create(path, sequence=decision.sequence, chain=chain)
        return decision.head(NODE, token, chain)


def stored_head(folder: Path) -> Head:
    return msgspec.json.decode((folder / "head.json").read_bytes(), type=Head)


def restore(folder: Path, target: Path) -> int:
    """Makes a database of the newest base and the sets after it, and returns its version."""
    place = folder / str(stored_head(folder).generation)
    (base,) = place.glob("*.sqlite3")
    last = int(base.stem)
    write_synced(target, base.read_bytes())
    with Applier(target) as database:
        for sequence, _, foreign_keys, payload, _ in read(place / "journal", last):
            database.apply(sequence, payload, foreign_keys=foreign_keys)
            last = sequence
    return last % VERSIONS


@cache
def replica() -> Replica:
    """Opened by the first set, so that `lightningd --help` touches no file."""
    return Replica(FOLDER, Path("lightningd.sqlite3").absolute())


@plugin.hook("db_write")
def on_write(payload: bytes) -> Continue | Refuse:
    try:
        replica().take(payload)
    except (ReplicaError, JournalError, OSError) as error:
        replica.cache_clear()
        return Refuse(f"the replica cannot follow: {error}")
    return CONTINUE


if __name__ == "__main__":
    if sys.argv[1:2] == ["restore"]:
        target = Path(sys.argv[2])
        print(f"{target} is the node's database at version {restore(FOLDER, target)}")
    else:
        plugin.run()
