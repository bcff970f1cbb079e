"""Nodes, copies of them, a replica's engine, and crashes, in memory. Shares no code with engines.

A state of a database is the tuple of all sets that made it; each set is a string of its own.
`Run` is a node with its plugin; it can be stopped, killed and overtaken between any two steps.
`FAULTS` are what the model must be able to detect.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from itertools import count

import msgspec

from clnwire.replica.records import VERSIONS, Head
from clnwire.replica.rules import (
    Begin,
    Following,
    Note,
    OnGap,
    Reason,
    Refusal,
    Store,
    TakeOver,
    Why,
    committed_version,
    decide_start,
)
from clnwire.replica.sets import Settings, Write

History = tuple[str, ...]

FAULTS = {
    "knows all": "treats every head as its own",
    "copies the owner": "a copy of the directory keeps the owner's identity",
    "claims late": "claims the epoch after it has taken over",
    "keeps the epoch": "takes over without a new epoch",
    "ignores the epoch": "the engine compares sequences alone",
    "continues unsettled": "continues when it is unknown whether the set is stored",
    "heals the stale": "begins a generation with an old database",
    "levels the unknown": "stores after an equal version of another instance",
    "levels the lost": "stores after an equal version of an older epoch",
    "forgets the replaced": "takes a restored set for the one that has replaced it",
    "skips a gap": "stores after a gap without a snapshot",
    "appends the repeated": "stores a repeated set as one more",
    "stores settings": "takes settings for a set that replaces the last",
    "forgets the wrap": "compares versions as if they did not wrap",
}


class FencedError(Exception):
    """The engine's head is not the one that the writer expected."""


class UnknownError(Exception):
    """The engine may have stored the write, or may store it later."""


@dataclass(frozen=True)
class Stored:
    """One set in the engine."""

    sequence: int
    epoch: int
    content: str


@dataclass(frozen=True)
class State:
    """All that the engine holds. Each write makes a new state."""

    head: Head | None = None
    base: History = ()
    sets: tuple[Stored, ...] = ()
    directory: Directory | None = None
    """Whose instance took over last. Only the model knows it."""
    replacing: bool = False
    """Whether the last set awaits its replacement."""

    def restored(self) -> History:
        """What restoring makes: the newest base, and the sets after it."""
        return self.base + tuple(each.content for each in self.sets)


@dataclass(frozen=True)
class Operation:
    """A conditional write: valid only after the head `expected`."""

    expected: Head | None
    after: State


class Engine:
    """The engine."""

    def __init__(self, fault: str | None) -> None:
        self.fault = fault
        self.states = [State()]
        self.late: list[Operation] = []
        self.has_lost = False
        self.contents: set[str] = set()
        """Every set that was durable at some time."""
        self.behind = False
        """Whether the engine lacks what the last owner committed, until the next take-over."""

    @property
    def now(self) -> State:
        return self.states[-1]

    def write(self, operation: Operation, weather: str) -> None:
        """Stores, or fails as the weather says."""
        if weather == "unsent":
            raise UnknownError
        if weather == "late":
            self.late.append(operation)
            raise UnknownError
        self.apply(operation)
        if weather == "unanswered":
            raise UnknownError

    def settle(self, operation: Operation) -> None:
        """Makes a new conditional write that stores exactly once."""
        if self.now.head != operation.after.head:
            self.apply(operation)

    def apply(self, operation: Operation) -> None:
        if not self._is_expected(operation.expected):
            raise FencedError
        before, after = self.now, operation.after
        assert after.head is not None
        self._check_epochs(before, after)
        taken_over = before.head is None or before.head.owner != after.head.owner
        self.behind = self.behind and not taken_over
        self.contents.update(each.content for each in after.sets)
        self.states.append(after)

    def _is_expected(self, expected: Head | None) -> bool:
        head = self.now.head
        if self.fault == "ignores the epoch" and head is not None and expected is not None:
            return head.sequence == expected.sequence
        return head == expected

    def _check_epochs(self, before: State, after: State) -> None:
        """No set of an older epoch is stored after one of a newer epoch."""
        if before.head is None or after.head is None:
            return
        if before.head.owner == after.head.owner:
            assert after.head.epoch == before.head.epoch
        else:
            assert after.head.epoch > before.head.epoch, "an epoch is given twice"
        new = [each for each in after.sets if each not in before.sets]
        assert all(each.epoch >= before.head.epoch for each in new), "stored for an older epoch"

    def lose(self, writes: int) -> bool:
        """Goes back to an older state, as after a restore of the engine's own disk.

        Not to one in which an uncommitted set awaits its replacement: its sequence and epoch are
        those of the replacement, so no rule can tell them apart; `clnwire replica verify` does.
        """
        older = [index for index, state in enumerate(self.states) if not state.replacing]
        older = [index for index in older[-writes - 1 :] if index < len(self.states) - 1]
        if not older:
            return False
        del self.states[older[0] + 1 :]
        self.late.clear()
        self.behind = self.has_lost = True
        return True


@dataclass
class Directory:
    """A node's directory: its database, and the owner file beside it."""

    identity: int
    history: History
    written: int
    """The identity that the owner file states. A copied file states another one's."""
    owners: set[str] = field(default_factory=set)
    highest_epoch: int = 0
    adopted: Head | None = None
    """The head from which the directory was restored."""

    def knows(self, head: Head | None) -> bool:
        if head is None:
            return False
        is_adopted = self.adopted is not None and head.chain == self.adopted.chain
        return is_adopted or (self.is_own and head.owner in self.owners)

    def was_replaced(self, head: Head | None) -> bool:
        """Whether the directory was restored from a head in whose place there is `head` now."""
        if head is None or self.adopted is None:
            return False
        return self.adopted.sequence == head.sequence and self.adopted.chain != head.chain

    @property
    def is_own(self) -> bool:
        return self.written == self.identity

    def claim(self, epoch: int, owner: str) -> None:
        if not self.is_own:
            self.owners, self.written = set(), self.identity
        self.owners.add(owner)
        self.highest_epoch = epoch


class World:
    """Directories, what runs in them, and one engine."""

    def __init__(self, first_version: int, fault: str | None = None) -> None:
        self.first_version, self.fault = first_version, fault
        self.engine = Engine(fault)
        self.numbers = count(1)
        self.directories = [Directory(0, (), 0)]
        self.runs: dict[int, Run] = {}
        self.unseen = False
        """Whether equal versions may differ: after commits without the plugin, for example."""

    def version(self, history: History) -> int:
        return (self.first_version + len(history)) % VERSIONS

    def new_content(self, directory: Directory) -> str:
        return f"{directory.identity}:{next(self.numbers)}"

    def copy(self, directory: Directory, *, with_owner: bool) -> None:
        """Copies a directory, which may be in use."""
        identity = len(self.directories)
        if not with_owner:
            # Only the owner file tells from what a database was restored.
            self.unseen = self.unseen or directory.adopted is not None
            copied = Directory(identity, directory.history, identity)
        elif self.fault == "copies the owner":
            highest = directory.highest_epoch
            owners = set(directory.owners)
            adopted = directory.adopted
            copied = Directory(identity, directory.history, identity, owners, highest, adopted)
        else:
            copied = replace(directory, identity=identity, owners=set(directory.owners))
        self.directories.append(copied)

    def restore(self) -> None:
        """Restores the newest state into a new directory, as `clnwire replica restore` does."""
        state, identity = self.engine.now, len(self.directories)
        if state.head is not None:
            restored = state.restored()
            self.directories.append(Directory(identity, restored, identity, adopted=state.head))

    def check(self) -> None:
        """Restoring makes what the last owner committed, or one set more that it did not."""
        state = self.engine.now
        if state.directory is None or self.engine.behind:
            return
        restored, committed = state.restored(), state.directory.history
        assert committed in (restored, restored[:-1]), "restores what was never committed"


class Run:
    """A node with its plugin, from its start to its end. Each step does one thing."""

    def __init__(self, world: World, directory: Directory) -> None:
        self.world, self.directory = world, directory
        self.wants_settings, self.weather = False, "fair"
        self.gives_up = False
        self.at = "idle"
        self.has_taken_over = False
        self._content = ""
        self._settings = False
        self._life = self._live()

    def step(self) -> bool:
        """Goes on to the next point. Returns whether the node still runs."""
        try:
            self.at = next(self._life)
        except (StopIteration, FencedError):
            return False
        return True

    def finish(self) -> None:
        """The plugin is killed. The node commits what the plugin has approved, and ends."""
        if self.at == "continued":
            self._commit()

    def commit_unseen(self, sets: int) -> None:
        """The plugin is killed while nothing is asked, and the node commits before it ends.

        Not before the run's first set: the daemon then ends. And not in place of an uncommitted
        set, which has the same version: no rule can tell them apart.
        """
        if not self.has_taken_over or self.at not in ("idle", "continued"):
            return
        if self.world.engine.now.replacing:
            return
        for _ in range(sets):
            self.world.unseen = True
            self.directory.history += (self.world.new_content(self.directory),)
        if self.world.engine.now.directory is self.directory:
            self.world.engine.behind = True

    def _commit(self) -> None:
        if not self._settings:
            self.directory.history += (self._content,)

    def _live(self) -> Generator[str, None, None]:
        following: Following | None = None
        head: Head | None = None
        while True:
            yield "idle"
            change = self._ask()
            if following is None:
                state = self.world.engine.now
                decision = self._decide(state, change)
                if isinstance(decision, Refusal):
                    self._check_refusal(state, decision)
                    return
                self._check_start(state, decision)
                yield "decided"
                head = yield from self._take_over(state, decision)
                if head is None:
                    return
                following, self.has_taken_over = decision.following, True
            assert head is not None
            step = self._step(following, change)
            assert not isinstance(step, Refusal), f"refused without reason: {step}"
            if isinstance(step, Store):
                head = yield from self._store(head, step)
                if head is None:
                    return
                assert self._content in self.world.engine.contents, "not durable"
            following = step.after
            yield "continued"
            self._commit()

    def _ask(self) -> Write | Settings:
        """What the node sends next."""
        committed = self.world.version(self.directory.history)
        self._settings = self.wants_settings
        if self._settings:
            return Settings(committed, foreign_keys=True)
        self._content = self.world.new_content(self.directory)
        return Write((committed + 1) % VERSIONS)

    def _decide(self, state: State, change: Write | Settings) -> Begin | TakeOver | Refusal:
        local, head, fault = committed_version(change), state.head, self.world.fault
        known = self.directory.knows(head) or fault == "knows all"
        highest = self.directory.highest_epoch if self.directory.is_own else 0
        if fault == "forgets the wrap" and head is not None and local < head.version - 1:
            return Refusal(Reason.STALE, "old", "restore")
        replaced = self.directory.was_replaced(head) and fault != "forgets the replaced"
        decision = decide_start(
            head,
            local,
            known=known,
            highest_epoch=highest,
            replaced=replaced,
            on_gap=OnGap.HEAL,
        )
        if head is None:
            return decision
        if isinstance(decision, Refusal):
            if fault == "heals the stale" and decision.reason is Reason.STALE:
                back = (head.version - local) % VERSIONS
                at = head.sequence - back
                return Begin(head, head.generation + 1, head.epoch + 1, at, Why.GAP)
            return decision
        epoch = head.epoch if fault == "keeps the epoch" else decision.epoch
        if isinstance(decision, Begin):
            levels = {"levels the unknown": Why.MOVED, "levels the lost": Why.LOST}
            if decision.why is levels.get(fault or ""):
                return TakeOver(head, epoch, replaces=False)
            if fault == "skips a gap" and decision.why is Why.GAP:
                skipped = msgspec.structs.replace(head, sequence=decision.sequence)
                return TakeOver(skipped, epoch, replaces=False)
        return msgspec.structs.replace(decision, epoch=epoch)

    def _step(self, following: Following, change: Write | Settings) -> Store | Note | Refusal:
        fault = self.world.fault
        if fault == "stores settings" and isinstance(change, Settings):
            self._content = self.world.new_content(self.directory)
            replaces = following.last == following.newest
            return Store(
                following.last, True, replaces, Following.at(following.last, following.newest)
            )
        step = following.step(change)
        if fault == "appends the repeated" and isinstance(step, Store) and step.replaces:
            sequence = step.sequence + 1
            return Store(sequence, True, False, Following(sequence, step.sequence, sequence))
        return step

    def _take_over(
        self, state: State, decision: Begin | TakeOver
    ) -> Generator[str, None, Head | None]:
        owner = self.world.new_content(self.directory)
        claims_late = self.world.fault == "claims late"
        if not claims_late:
            self.directory.claim(decision.epoch, owner)
            yield "claimed"
        if isinstance(decision, Begin):
            history = self.directory.history
            head = decision.head("alice", owner, chain_of(b"", repr(history)))
            after = State(head, history, (), self.directory)
        else:
            head = decision.head(owner)
            after = replace(state, head=head, directory=self.directory, replacing=decision.replaces)
        stored = yield from self._write(Operation(state.head, after))
        if claims_late:
            self.directory.claim(decision.epoch, owner)
        return head if stored else None

    def _store(self, expected: Head, step: Store) -> Generator[str, None, Head | None]:
        state = self.world.engine.now
        sets = state.sets[:-1] if step.replaces else state.sets
        previous = repr(replace(state, sets=sets).restored())
        head = msgspec.structs.replace(
            expected, sequence=step.sequence, chain=chain_of(previous.encode(), self._content)
        )
        sets += (Stored(step.sequence, expected.epoch, self._content),)
        after = replace(state, head=head, sets=sets, replacing=False)
        stored = yield from self._write(Operation(expected, after))
        return head if stored else None

    def _write(self, operation: Operation) -> Generator[str, None, bool]:
        """Writes and settles. Returns whether it is stored, or patience has ended."""
        try:
            self.world.engine.write(operation, self.weather)
        except UnknownError:
            yield "unknown"
            if self.gives_up:
                return False
            if self.world.fault != "continues unsettled":
                self.world.engine.settle(operation)
        yield "stored"
        return True

    def _check_start(self, state: State, decision: Begin | TakeOver) -> None:
        """No set is lost that the last owner committed, and nothing of another one is undone."""
        restored, committed = state.restored(), self.directory.history
        if isinstance(decision, Begin):
            assert len(committed) >= len(restored), "begins with an old database"
            if not (self.world.unseen or self.world.engine.has_lost):
                assert committed[: len(restored)] == restored, "begins with another database"
            return
        assert committed == (restored[:-1] if decision.replaces else restored), "goes on elsewhere"
        if decision.replaces:
            assert restored[-1].startswith(f"{self.directory.identity}:"), "undoes another's set"

    def _check_refusal(self, state: State, refusal: Refusal) -> None:
        """What this very directory wrote last can go on, whatever crashed."""
        restored, committed = state.restored(), self.directory.history
        goes_on = committed[: len(restored)] == restored or committed == restored[:-1]
        own = state.directory is self.directory
        assert not (own and goes_on), f"refused without reason: {refusal}"
        # The same state may be the base of another generation, with another chain.
        if refusal.reason is not Reason.REPLACED:
            assert committed != restored, f"refused without reason: {refusal}"


def chain_of(previous: bytes, content: str) -> bytes:
    return hashlib.sha256(previous + b"\0" + content.encode()).digest()
