"""Nodes, copies of them, an engine and crashes in any order never spoil the replica."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from clnwire.replica.records import VERSIONS
from tests.replica.world import FAULTS, FencedError, Run, World

EXAMPLES = 50
"""How many histories hypothesis tries. It makes one that fails as short as it can."""
HISTORIES = int(os.environ.get("CLNWIRE_MODEL_HISTORIES", "1000"))
SEED = int(os.environ.get("CLNWIRE_MODEL_SEED", "0"))
"""The first of the seeds. Each history has its own."""
FIRST_VERSIONS = [0, 1000, VERSIONS - 3]
WEATHERS = ["fair", "fair", "unsent", "unanswered", "late"]

which = st.integers(0, 5)


class Model(RuleBasedStateMachine):
    """One engine, one node at first, and whatever a runner or a power failure may do."""

    fault: ClassVar[str | None] = None

    @initialize(version=st.sampled_from(FIRST_VERSIONS))
    def begin(self, version: int) -> None:
        self.world = World(version, self.fault)

    def _run(self, number: int) -> Run:
        """The run in a directory; the node is started if it does not run."""
        identity = number % len(self.world.directories)
        if identity not in self.world.runs:
            directory = self.world.directories[identity]
            self.world.runs[identity] = Run(self.world, directory)
        return self.world.runs[identity]

    def _end(self, run: Run) -> None:
        del self.world.runs[run.directory.identity]

    def _step(self, run: Run) -> None:
        if not run.step():
            self._end(run)

    @rule(
        which=which,
        steps=st.integers(1, 9),
        settings=st.booleans(),
        weather=st.sampled_from(WEATHERS),
    )
    def advance(self, which: int, steps: int, settings: bool, weather: str) -> None:
        """A node goes on, and may stop at any point while another one goes on."""
        run = self._run(which)
        run.wants_settings, run.weather, run.gives_up = settings, weather, False
        for _ in range(steps):
            if run.directory.identity in self.world.runs:
                self._step(run)

    @rule(which=which, sets=st.integers(1, 3))
    def commit(self, which: int, sets: int) -> None:
        """A node commits some sets in fair weather."""
        run = self._run(which)
        run.wants_settings, run.weather = False, "fair"
        while sets and run.directory.identity in self.world.runs:
            before = run.at
            self._step(run)
            sets -= before == "continued"

    @precondition(lambda self: self.world.runs)
    @rule(which=which)
    def give_up(self, which: int) -> None:
        """The engine does not answer for so long that the plugin refuses."""
        run = self._any(which)
        run.weather, run.gives_up = "late", True
        while run.directory.identity in self.world.runs and run.at != "continued":
            self._step(run)

    @precondition(lambda self: self.world.runs)
    @rule(which=which)
    def crash(self, which: int) -> None:
        """Node and plugin end where they are."""
        self._end(self._any(which))

    @precondition(lambda self: self.world.runs)
    @rule(which=which, unseen=st.integers(0, 2))
    def kill_plugin(self, which: int, unseen: int) -> None:
        """The plugin is killed, and the node ends; perhaps after it has committed unseen."""
        run = self._any(which)
        run.finish()
        run.commit_unseen(unseen)
        self._end(run)

    @precondition(lambda self: len(self.world.directories) < 4)
    @rule(which=which, with_owner=st.booleans())
    def copy(self, which: int, with_owner: bool) -> None:
        """The directory is copied. It is started at once, or when it has become stale."""
        directories = self.world.directories
        self.world.copy(directories[which % len(directories)], with_owner=with_owner)

    @precondition(lambda self: len(self.world.directories) < 4)
    @rule()
    def restore(self) -> None:
        self.world.restore()

    @rule(writes=st.integers(1, 4))
    def lose(self, writes: int) -> None:
        """The engine comes back with an older data directory.

        Other nodes than the last owner have ended by then, as their leases make them.
        """
        owner = self.world.engine.now.directory
        if self.world.engine.lose(writes):
            runs = self.world.runs.items()
            self.world.runs = {key: run for key, run in runs if run.directory is owner}

    @precondition(lambda self: self.world.engine.late)
    @rule(which=which)
    def arrive_late(self, which: int) -> None:
        """A write that was given up arrives after all."""
        late = self.world.engine.late
        operation = late.pop(which % len(late))
        with suppress(FencedError):
            self.world.engine.apply(operation)

    def _any(self, which: int) -> Run:
        runs = list(self.world.runs.values())
        return runs[which % len(runs)]

    @invariant()
    def restores_what_is_committed(self) -> None:
        self.world.check()


def play(model: Model, luck: random.Random, steps: int) -> None:
    """A random history without hypothesis: much quicker, but nothing makes it shorter."""
    model.begin(luck.choice(FIRST_VERSIONS))
    for _ in range(steps):
        move(model, luck, luck.randrange(6))
        model.restores_what_is_committed()


def move(model: Model, luck: random.Random, which: int) -> None:
    """One of the rules, if it can be followed now."""
    kind, world = luck.randrange(12), model.world
    if kind < 3:
        weather = luck.choice(WEATHERS)
        model.advance(which, luck.randrange(1, 10), luck.random() < 0.3, weather)
    elif kind < 6:
        model.commit(which, luck.randrange(1, 4))
    elif kind < 9 and world.runs:
        end(model, luck, which)
    elif kind == 9 and len(world.directories) < 4:
        if luck.random() < 0.5:
            model.restore()
        else:
            model.copy(which, luck.random() < 0.5)
    elif kind == 10:
        model.lose(luck.randrange(1, 5))
    elif kind == 11 and world.engine.late:
        model.arrive_late(which)


def end(model: Model, luck: random.Random, which: int) -> None:
    kind = luck.randrange(3)
    if kind == 0:
        model.crash(which)
    elif kind == 1:
        model.give_up(which)
    else:
        model.kill_plugin(which, luck.randrange(3))


@pytest.mark.promise(
    "copies of a node, restores and crashes in any order",
    "two nodes never go on with one state",
)
def test_no_crash_spoils_the_replica() -> None:
    profile = settings(max_examples=EXAMPLES, stateful_step_count=50, database=None)
    run_state_machine_as_test(Model, settings=profile)


def test_no_crash_spoils_the_replica_in_many_histories() -> None:
    for seed in range(SEED, SEED + HISTORIES):
        try:
            play(Model(), random.Random(seed), 60)
        except AssertionError as error:
            error.args = (f"seed {seed}: {error}",)
            raise


@pytest.mark.promise("copies of a node, restores and crashes in any order")
@pytest.mark.parametrize("fault", FAULTS)
def test_the_model_finds(fault: str) -> None:
    model = type("Faulty", (Model,), {"fault": fault})
    with pytest.raises(AssertionError):
        for seed in range(20_000):
            play(model(), random.Random(seed), 60)
