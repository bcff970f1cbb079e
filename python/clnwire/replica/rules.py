"""What a replica does with each set of writes. Decisions only: nothing here reads or writes.

A node numbers its commits with `data_version`, a u32 that wraps, and sends each set before it
commits it. So a set *n* proves that *n* - 1 was committed, and at most one set is uncommitted:

- at the first set of a run, `decide_start` compares the node's database with the engine's head;
- `Following.step` decides on each set after that.

Versions are all that there is to compare, so these decisions rest on two conditions, which
`clnwire replica verify` checks: nobody replaces the node's database in its directory, and a node
that ended before it committed a set is not run without its plugin for exactly one commit.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from clnwire.replica.records import VERSIONS, Head
from clnwire.replica.sets import Settings

if TYPE_CHECKING:
    from clnwire.replica.sets import Write

RESTORE = "`clnwire replica restore`"
ADOPT = "`clnwire replica init --adopt`"


class OnGap(enum.Enum):
    """What to do when the node has committed sets that the replica lacks."""

    HEAL = "heal"
    """Begin a new generation with a snapshot of the node's database."""
    REFUSE = "refuse"
    """Let the node not start."""


class Why(enum.Enum):
    """Why a generation begins."""

    FIRST = "first"
    """Nothing has been stored for this node."""
    GAP = "gap"
    """The node has committed sets that the replica lacks."""
    MOVED = "moved"
    """Another instance wrote the last set. An equal version does not mean equal content."""
    LOST = "lost"
    """The engine lacks what this instance has stored, or meant to, in its last epoch."""


class Reason(enum.Enum):
    """Why the node must not commit a set."""

    STALE = "stale"
    """The node's database is two sets or more behind the replica."""
    COPY = "copy"
    """The database is one set behind a replica that another instance wrote."""
    REPLACED = "replaced"
    """The database was restored, and the last set may have been replaced since."""
    FORK = "fork"
    """The database is ahead of a replica that another instance wrote."""
    GAP = "gap"
    """The database is ahead of the replica, and the settings forbid to heal that."""
    LOST = "lost"
    """The engine has lost the replica, and the settings forbid to begin a new one."""
    MISSED = "missed"
    """The node has committed sets that the replica was not asked about."""
    BACK = "back"
    """The node's database went back while the node ran."""
    SETTING = "setting"
    """The set changes a setting that the replica does not support."""


class Refusal(msgspec.Struct, frozen=True):
    """The node must not commit."""

    reason: Reason
    what: str
    """What is wrong, with versions and epochs."""
    remedy: str
    """What the node's runner has to do."""

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


class Store(msgspec.Struct, frozen=True, gc=False):
    """Store the set. Continue once it is durable."""

    sequence: int
    foreign_keys: bool
    """Whether the node enforces foreign keys while it executes the set."""
    replaces: bool
    """Whether the set takes the place of the last one, which the node did not commit."""
    after: Following
    """What holds once the set is stored."""


class Note(msgspec.Struct, frozen=True):
    """Store nothing, and continue: the set only changes settings."""

    after: Following


class Following(msgspec.Struct, frozen=True, gc=False):
    """Where the node and the engine are.

    It holds while the engine's head is the one that was stored last. When it is unknown what the
    engine has stored, begin again with `decide_start`.
    """

    last: int
    """The sequence of the engine's head."""
    oldest: int
    """The lowest sequence at which the node's database may be: `last`, or one less."""
    newest: int
    """The highest sequence at which it may be: `last`, or one less."""
    foreign_keys: bool = True
    """A daemon starts with foreign keys on, and sends each later change."""

    @classmethod
    def at(cls, last: int, committed: int) -> Following:
        """The node's database is exactly at `committed`."""
        return cls(last, committed, committed)

    def step(self, change: Write | Settings) -> Store | Note | Refusal:
        """What to do with the next set."""
        if isinstance(change, Settings):
            return self._note(change)
        return self._store(change)

    def _store(self, write: Write) -> Store | Refusal:
        sequence = self.newest + 1
        if sequence % VERSIONS != write.version:
            sequence = self.oldest + 1
            if sequence % VERSIONS != write.version:
                return self._out_of_step(write.version, write.version - 1)
        after = Following(sequence, sequence - 1, sequence, self.foreign_keys)
        return Store(sequence, self.foreign_keys, sequence == self.last, after)

    def _note(self, settings: Settings) -> Note | Refusal:
        # Where the node's database may be now.
        places = (self.newest, self.oldest)
        committed = next((each for each in places if not sets_ahead(settings.version, each)), None)
        if committed is None:
            return self._out_of_step(settings.version, settings.version)
        if settings.unsupported is not None:
            return Refusal(
                Reason.SETTING,
                f"version {settings.version}: the replica does not know what this setting does "
                f"when the sets are executed again: {settings.unsupported}",
                "use a newer clnwire, or run the node without the replica",
            )
        on = self.foreign_keys if settings.foreign_keys is None else settings.foreign_keys
        return Note(Following(self.last, committed, committed, on))

    def _out_of_step(self, version: int, committed: int) -> Refusal:
        wanted = " or ".join(
            str((each + version - committed) % VERSIONS)
            for each in sorted({self.oldest, self.newest})
        )
        if sets_ahead(committed, self.newest) > 0:
            return Refusal(
                Reason.MISSED,
                f"the node has committed without the replica: version {version} came instead of "
                f"{wanted}",
                "start the node again with --important-plugin, and the replica heals the gap",
            )
        return Refusal(
            Reason.BACK,
            f"the node's database went back: version {version} came instead of {wanted}",
            "stop the node, and find out who replaced its database while it ran; "
            f"{RESTORE} makes the newest one",
        )


class TakeOver(msgspec.Struct, frozen=True):
    """Make this instance the owner, on condition that the head is still `expected`."""

    expected: Head
    epoch: int
    replaces: bool
    """Whether the node did not commit the engine's last set. The next set replaces it."""

    @property
    def following(self) -> Following:
        """What holds once the engine has stored the take-over."""
        last = self.expected.sequence
        return Following.at(last, last - self.replaces)

    def head(self, owner: str) -> Head:
        """The head to store."""
        return msgspec.structs.replace(self.expected, epoch=self.epoch, owner=owner)


class Begin(msgspec.Struct, frozen=True):
    """Begin a generation with a snapshot of the node's database, on condition as a take-over."""

    expected: Head | None
    generation: int
    epoch: int
    sequence: int
    """Where the node's database is, so what the snapshot contains."""
    why: Why

    @property
    def following(self) -> Following:
        """What holds once the engine has stored the snapshot."""
        return Following.at(self.sequence, self.sequence)

    def head(self, node: str, owner: str, chain: bytes) -> Head:
        """The head to store. `chain` is the digest of the snapshot's file."""
        return Head(node, self.generation, self.epoch, owner, self.sequence, chain)

    def __str__(self) -> str:
        version = self.sequence % VERSIONS
        snapshot = f"generation {self.generation} begins with a snapshot at version {version}"
        if self.why is Why.FIRST:
            return snapshot
        if self.expected is None:
            return f"the engine has lost the replica of this node; {snapshot}"
        if self.why is Why.MOVED:
            return f"another instance wrote the replica ({_place(self.expected)}); {snapshot}"
        if self.why is Why.LOST:
            return f"the engine has nothing after epoch {self.expected.epoch}; {snapshot}"
        missed = _count(self.sequence - self.expected.sequence)
        return f"the replica lacks {missed} after version {self.expected.version}; {snapshot}"


def committed_version(change: Write | Settings) -> int:
    """The version of the node's database when it sends a set, which it has not committed yet.

    Settings carry the version of the last commit, and every other set the one after it.
    """
    return change.version if isinstance(change, Settings) else (change.version - 1) % VERSIONS


def decide_start(
    head: Head | None,
    local: int,
    *,
    known: bool,
    highest_epoch: int = 0,
    replaced: bool = False,
    on_gap: OnGap,
) -> Begin | TakeOver | Refusal:
    """What to do at the first set of a run.

    `head` is what the engine has stored last, and `local` the version of the node's database:
    `committed_version` of the first set. The instance knows a head if this very one, and not a copy
    of its directory, has claimed or held its epoch, or was restored from exactly this head, chain
    included. `highest_epoch` is the highest that it has ever claimed; 0 if none. `replaced` says
    whether the database was restored from another head with the sequence of `head`.
    """
    if head is None:
        return _start_without_head(local, highest_epoch, on_gap)
    # An engine that lost its last epochs must not give out one of them for a second time.
    epoch = max(head.epoch, highest_epoch) + 1
    ahead = sets_ahead(local, head.version)
    if ahead == 0 and replaced and not known:
        return _replaced(head)
    if ahead == 0:
        return _start_level(head, epoch, known=known, highest_epoch=highest_epoch)
    if ahead > 0:
        return _start_after_gap(head, epoch, ahead, known=known, on_gap=on_gap)
    if ahead < -1:
        return _stale(head, local)
    return TakeOver(head, epoch, replaces=True) if known else _copy(head, local)


def _start_without_head(local: int, highest_epoch: int, on_gap: OnGap) -> Begin | Refusal:
    if highest_epoch == 0:
        return Begin(None, 1, 1, local, Why.FIRST)
    if on_gap is OnGap.REFUSE:
        return Refusal(
            Reason.LOST,
            f"the engine has nothing of this node, which stored sets in it up to epoch "
            f"{highest_epoch}",
            'find out whether the engine is the right one; on-gap = "heal" in '
            "clnwire-replica.toml begins a new replica",
        )
    return Begin(None, 1, highest_epoch + 1, local, Why.LOST)


def _start_level(head: Head, epoch: int, *, known: bool, highest_epoch: int) -> Begin | TakeOver:
    # Sets may be stored after a base only if the base and the sets are what the node has. If that
    # is not certain, a snapshot makes it so.
    if known and head.epoch >= highest_epoch:
        return TakeOver(head, epoch, replaces=False)
    why = Why.LOST if known else Why.MOVED
    return Begin(head, head.generation + 1, epoch, head.sequence, why)


def _start_after_gap(
    head: Head, epoch: int, ahead: int, *, known: bool, on_gap: OnGap
) -> Begin | Refusal:
    sequence = head.sequence + ahead
    what = (
        f"the node's database is at version {sequence % VERSIONS}, {_count(ahead)} ahead of the "
        f"replica at version {head.version}"
    )
    if not known:
        return Refusal(
            Reason.FORK,
            f"{what}, which another instance wrote ({_place(head)}), so both may have sets that "
            "the other lacks",
            "run one instance alone. If the other one is gone for good and has committed nothing "
            f"since this database was copied, run {ADOPT} here; otherwise restore with {RESTORE}",
        )
    if on_gap is OnGap.REFUSE:
        return Refusal(
            Reason.GAP,
            f"{what} ({_place(head)})",
            'on-gap = "heal" in clnwire-replica.toml begins a new generation with a snapshot of '
            "this database",
        )
    return Begin(head, head.generation + 1, epoch, sequence, Why.GAP)


def _stale(head: Head, local: int) -> Refusal:
    behind = _count(-sets_ahead(local, head.version))
    return Refusal(
        Reason.STALE,
        f"the node's database is old: it is at version {local}, {behind} behind the replica at "
        f"version {head.version} ({_place(head)}). With an old state, peers can take the money",
        f"do not start it without the replica; {RESTORE} makes the newest database",
    )


def _copy(head: Head, local: int) -> Refusal:
    return Refusal(
        Reason.COPY,
        f"the node's database is at version {local}, one set behind the replica at version "
        f"{head.version}, which another instance wrote ({_place(head)}) and may have committed",
        "run one instance alone. If the other one is gone for good, restore with "
        f"{RESTORE}, which has that set",
    )


def _replaced(head: Head) -> Refusal:
    return Refusal(
        Reason.REPLACED,
        f"the node's database was restored at version {head.version}, and another instance has "
        f"written since ({_place(head)}). It may have replaced the last set that was restored",
        f"run one instance alone. If the other one is gone for good, restore again with {RESTORE}",
    )


def _place(head: Head) -> str:
    return f"generation {head.generation}, epoch {head.epoch}"


def _count(sets: int) -> str:
    return "one set" if sets == 1 else f"{sets:,} sets"


def sets_ahead(version: int, other: int) -> int:
    """How many sets a version is ahead of another, modulo 2³²; less than 0 if it is behind."""
    ahead = (version - other) % VERSIONS
    return ahead if ahead < VERSIONS // 2 else ahead - VERSIONS
