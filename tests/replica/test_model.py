"""Nodes, copies of them, an engine and crashes in any order never spoil the replica."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
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

EXAMPLES = int(os.environ.get("CLNWIRE_MODEL_EXAMPLES", "100"))
"""How many histories of 60 steps the model tries. A long run has some 100,000."""

which = st.integers(0, 5)
weathers = st.sampled_from(["fair", "fair", "unsent", "unanswered", "late"])


class Model(RuleBasedStateMachine):
    """One engine, one node at first, and whatever a runner or a power failure may do."""

    fault: ClassVar[str | None] = None

    @initialize(version=st.sampled_from([0, 1000, VERSIONS - 3]))
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

    @rule(which=which, steps=st.integers(1, 9), settings=st.booleans(), weather=weathers)
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
        if run.has_taken_over and run.at in ("idle", "continued"):
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


def run(model: type[Model], examples: int, *, shrink: bool) -> None:
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    profile = settings(
        max_examples=examples,
        stateful_step_count=60,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        derandomize=not shrink,
    )
    run_state_machine_as_test(model, settings=profile)


def test_no_crash_spoils_the_replica() -> None:
    run(Model, EXAMPLES, shrink=True)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_model_finds(fault: str) -> None:
    faulty = type("Faulty", (Model,), {"fault": fault})
    with pytest.raises(AssertionError):
        run(faulty, 3000, shrink=False)
