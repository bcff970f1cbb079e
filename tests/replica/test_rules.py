"""Each row of the take-over table, and each case of a running node."""

from __future__ import annotations

import msgspec
import pytest

from clnwire.replica.errors import ReplicaError
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
from clnwire.replica.sets import Settings, Write, read_set

SEQUENCES = [1000, VERSIONS - 1, VERSIONS, VERSIONS + 1, 3 * VERSIONS - 1]
"""Where the head is: in the middle, and around the places where versions wrap."""


def head_at(sequence: int, epoch: int = 7) -> Head:
    return Head("alice", 2, epoch, "a" * 32, sequence, b"c" * 32)


def start(
    head: Head | None,
    ahead: int,
    *,
    known: bool = True,
    highest_epoch: int = 0,
    on_gap: OnGap = OnGap.HEAL,
) -> Begin | TakeOver | Refusal:
    local = ((head.sequence if head else 0) + ahead) % VERSIONS
    return decide_start(head, local, known=known, highest_epoch=highest_epoch, on_gap=on_gap)


@pytest.fixture(params=SEQUENCES)
def head(request: pytest.FixtureRequest) -> Head:
    return head_at(request.param)


class TestStart:
    """The node's database against the head."""

    @pytest.mark.parametrize("known", [True, False])
    @pytest.mark.parametrize("on_gap", OnGap)
    def test_no_head_begins_with_a_snapshot(self, known: bool, on_gap: OnGap) -> None:
        decision = start(None, 4711, known=known, on_gap=on_gap)
        assert decision == Begin(None, 1, 1, 4711, Why.FIRST)
        assert decision.head("alice", "b" * 32, b"d") == Head("alice", 1, 1, "b" * 32, 4711, b"d")
        assert str(decision) == "generation 1 begins with a snapshot at version 4711"

    def test_the_head_is_lost(self) -> None:
        decision = start(None, 10, highest_epoch=7)
        assert decision == Begin(None, 1, 8, 10, Why.LOST)
        assert "has lost the replica" in str(decision)
        refusal = start(None, 10, highest_epoch=7, on_gap=OnGap.REFUSE)
        assert_refuses(refusal, Reason.LOST, "up to epoch 7", 'on-gap = "heal"')

    @pytest.mark.parametrize("on_gap", OnGap)
    def test_equal_and_known_takes_over(self, head: Head, on_gap: OnGap) -> None:
        decision = start(head, 0, highest_epoch=head.epoch, on_gap=on_gap)
        assert decision == TakeOver(head, head.epoch + 1, replaces=False)
        taken = decision.head("b" * 32)
        assert taken == msgspec.structs.replace(head, epoch=head.epoch + 1, owner="b" * 32)

    @pytest.mark.parametrize("on_gap", OnGap)
    def test_equal_and_unknown_takes_over_with_a_snapshot(self, head: Head, on_gap: OnGap) -> None:
        decision = start(head, 0, known=False, on_gap=on_gap)
        assert decision == Begin(head, 3, head.epoch + 1, head.sequence, Why.MOVED)
        assert "another instance wrote the replica (generation 2, epoch 7)" in str(decision)

    def test_equal_to_an_older_epoch_takes_a_snapshot(self, head: Head) -> None:
        decision = start(head, 0, highest_epoch=head.epoch + 2)
        assert decision == Begin(head, 3, head.epoch + 3, head.sequence, Why.LOST)
        assert "the engine has nothing after epoch 7" in str(decision)

    def test_equal_but_restored_from_a_set_that_was_replaced(self, head: Head) -> None:
        refusal = decide_start(head, head.version, known=False, replaced=True, on_gap=OnGap.HEAL)
        assert_refuses(refusal, Reason.REPLACED, f"version {head.version}", "epoch 7", "restore")
        later = decide_start(head, head.version + 1, known=True, replaced=True, on_gap=OnGap.HEAL)
        assert isinstance(later, Begin)
        own = decide_start(head, head.version, known=True, replaced=True, on_gap=OnGap.HEAL)
        assert isinstance(own, TakeOver)

    def test_one_behind_and_known_replaces(self, head: Head) -> None:
        assert start(head, -1) == TakeOver(head, head.epoch + 1, replaces=True)

    def test_one_behind_and_unknown_is_a_copy(self, head: Head) -> None:
        local = (head.version - 1) % VERSIONS
        refusal = start(head, -1, known=False)
        what = f"at version {local}, one set behind the replica at version {head.version}"
        assert_refuses(refusal, Reason.COPY, what, "generation 2, epoch 7", "replica restore")

    @pytest.mark.parametrize("ahead", [1, 2, 1000, VERSIONS // 2 - 1])
    def test_ahead_and_known_heals(self, head: Head, ahead: int) -> None:
        decision = start(head, ahead)
        assert decision == Begin(head, 3, head.epoch + 1, head.sequence + ahead, Why.GAP)
        missed = "one set" if ahead == 1 else f"{ahead:,} sets"
        assert f"lacks {missed} after version {head.version}; generation 3 begins" in str(decision)

    def test_a_gap_may_be_refused(self, head: Head) -> None:
        refusal = start(head, 3, on_gap=OnGap.REFUSE)
        assert_refuses(refusal, Reason.GAP, "3 sets ahead", "epoch 7", 'on-gap = "heal"')

    @pytest.mark.parametrize("ahead", [1, 2, VERSIONS // 2 - 1])
    @pytest.mark.parametrize("on_gap", OnGap)
    def test_ahead_and_unknown_is_a_fork(self, head: Head, ahead: int, on_gap: OnGap) -> None:
        refusal = start(head, ahead, known=False, on_gap=on_gap)
        assert_refuses(refusal, Reason.FORK, f"version {head.version}", "init --adopt", "restore")

    @pytest.mark.parametrize("behind", [2, 3, 1000, VERSIONS // 2])
    @pytest.mark.parametrize("known", [True, False])
    def test_further_behind_is_stale(self, head: Head, behind: int, known: bool) -> None:
        refusal = start(head, -behind, known=known)
        what = f"{behind:,} sets behind the replica at version {head.version}"
        assert_refuses(refusal, Reason.STALE, what, "peers can take the money", "replica restore")

    def test_an_epoch_is_given_once_though_the_engine_lost_some(self) -> None:
        for ahead in (-1, 0, 5):
            decision = start(head_at(1000, epoch=3), ahead, highest_epoch=9)
            assert not isinstance(decision, Refusal)
            assert decision.epoch == 10


class TestRunning:
    """A set against the sets before."""

    @pytest.fixture(params=SEQUENCES)
    def last(self, request: pytest.FixtureRequest) -> int:
        return int(request.param)

    def test_one_more_is_stored(self, last: int) -> None:
        following = Following.at(last, last)
        for sequence in range(last + 1, last + 5):
            step = following.step(Write(sequence % VERSIONS))
            assert isinstance(step, Store)
            assert (step.sequence, step.foreign_keys, step.replaces) == (sequence, True, False)
            following = step.after

    def test_the_same_is_replaced(self, last: int) -> None:
        following = stored(Following.at(last, last), last + 1)
        for _ in range(2):
            step = following.step(Write((last + 1) % VERSIONS))
            assert isinstance(step, Store)
            assert (step.sequence, step.replaces) == (last + 1, True)
            following = step.after
        assert stored(following, last + 2).last == last + 2

    def test_the_last_set_of_the_run_before_is_replaced(self, last: int) -> None:
        following = TakeOver(head_at(last), 8, replaces=True).following
        step = following.step(Write(last % VERSIONS))
        assert isinstance(step, Store)
        assert (step.sequence, step.replaces) == (last, True)

    def test_nothing_else_comes_before_it_is_replaced(self, last: int) -> None:
        following = TakeOver(head_at(last), 8, replaces=True).following
        assert_refuses(following.step(Write((last + 1) % VERSIONS)), Reason.MISSED)

    @pytest.mark.parametrize("decision", ["equal", "snapshot"])
    def test_what_is_committed_is_not_replaced(self, last: int, decision: str) -> None:
        equal = TakeOver(head_at(last), 8, replaces=False)
        snapshot = Begin(head_at(5), 3, 8, last, Why.GAP)
        following = (equal if decision == "equal" else snapshot).following
        assert_refuses(following.step(Write(last % VERSIONS)), Reason.BACK)
        assert stored(following, last + 1).last == last + 1

    @pytest.mark.parametrize("ahead", [2, 3, 1000, VERSIONS // 2 - 1])
    def test_missed_sets_are_refused(self, last: int, ahead: int) -> None:
        following = stored(Following.at(last - 1, last - 1), last)
        version, wanted = (last + ahead) % VERSIONS, sorted((last, last + 1))
        refusal = following.step(Write(version))
        what = f"version {version} came instead of {wanted[0] % VERSIONS} or {wanted[1] % VERSIONS}"
        assert_refuses(refusal, Reason.MISSED, "without the replica", what, "--important-plugin")

    @pytest.mark.parametrize("behind", [1, 2, 1000, VERSIONS // 2 - 1])
    def test_going_back_is_refused(self, last: int, behind: int) -> None:
        following = stored(Following.at(last - 1, last - 1), last)
        refusal = following.step(Write((last - behind) % VERSIONS))
        assert_refuses(refusal, Reason.BACK, "went back", "replica restore")


class TestSettings:
    """Sets of PRAGMAs alone."""

    def test_they_store_nothing_and_every_set_says_what_holds(self) -> None:
        following = stored(Following.at(10, 10), 11)
        note = following.step(Settings(11, foreign_keys=False))
        assert isinstance(note, Note)
        step = note.after.step(Write(12))
        assert isinstance(step, Store)
        assert (step.sequence, step.foreign_keys, step.replaces) == (12, False, False)
        note = step.after.step(Settings(12, foreign_keys=True))
        assert isinstance(note, Note)
        assert note.after.foreign_keys

    def test_they_prove_what_is_committed(self) -> None:
        note = stored(Following.at(10, 10), 11).step(Settings(11, foreign_keys=True))
        assert isinstance(note, Note)
        assert_refuses(note.after.step(Write(11)), Reason.BACK)

    def test_they_prove_what_is_not_committed(self) -> None:
        note = stored(Following.at(10, 10), 11).step(Settings(10, foreign_keys=True))
        assert isinstance(note, Note)
        assert_refuses(note.after.step(Write(12)), Reason.MISSED)
        step = note.after.step(Write(11))
        assert isinstance(step, Store)
        assert step.replaces

    def test_the_first_of_a_run_carries_the_last_commit(self) -> None:
        assert committed_version(Settings(10)) == 10
        assert committed_version(Write(10)) == 9
        assert committed_version(Write(0)) == VERSIONS - 1

    def test_before_the_last_set_of_the_run_before_is_replaced(self) -> None:
        following = TakeOver(head_at(11), 8, replaces=True).following
        note = following.step(Settings(10, foreign_keys=False))
        assert isinstance(note, Note)
        step = note.after.step(Write(11))
        assert isinstance(step, Store)
        assert (step.replaces, step.foreign_keys) == (True, False)

    @pytest.mark.parametrize("version", [9, 12, 11 + VERSIONS // 2])
    def test_out_of_step_they_are_refused(self, version: int) -> None:
        following = stored(Following.at(10, 10), 11)
        refusal = following.step(Settings(version, foreign_keys=True))
        reason = Reason.MISSED if version == 12 else Reason.BACK
        assert_refuses(refusal, reason, f"version {version} came instead of 10 or 11")

    def test_an_unknown_setting_is_refused(self) -> None:
        refusal = Following.at(10, 10).step(Settings(10, unsupported="PRAGMA page_size = 1"))
        assert_refuses(refusal, Reason.SETTING, "version 10", "PRAGMA page_size = 1")


class TestReading:
    """Params of `db_write`, as they came."""

    @pytest.mark.parametrize(
        ("payload", "change"),
        [
            (b'{"data_version":7,"writes":["UPDATE vars SET intval=7"]}', Write(7)),
            (b' { "data_version" : 7 , "writes" : [ "INSERT INTO a"]}', Write(7)),
            (b'{"writes":["DELETE FROM a"],"data_version":7}', Write(7)),
            (b'{"data_version":7,"new":[1],"writes":["delete from a"]}', Write(7)),
            (b'{"data_version":7,"writes":["UPDATE a","PRAGMA foreign_keys = ON"]}', Write(7)),
            (b'{"data_version":7,"writes":["PRAGMA foreign_keys = ON","UPDATE a"]}', Write(7)),
            (b'{"data_version":7,"writes":["PRAGMATIC"]}', Write(7)),
            (b'{"data_version":7,"writes":["PRAGMA foreign_keys = ON;"]}', Settings(7, True)),
            (b'{"data_version":7,"writes":["\\n pragma foreign_keys=off"]}', Settings(7, False)),
            (b'{"data_version":7,"writes":["\\u0050RAGMA foreign_keys=off"]}', Settings(7, False)),
            (b'{"data_version":7,"writes":["PRAGMA x"]}', Settings(7, None, "PRAGMA x")),
        ],
    )
    @pytest.mark.parametrize("kind", [bytes, memoryview])
    def test_writes_and_settings(
        self, payload: bytes, change: Write | Settings, kind: type[bytes]
    ) -> None:
        assert read_set(kind(payload)) == change

    @pytest.mark.parametrize(
        ("payload", "reason"),
        [
            (b'{"data_version":7,"writes":[]}', "database is not in SQLite"),
            (b'{"writes":["UPDATE a"]}', "v0.8.1 or newer"),
            (b'{"data_version":"7","writes":["UPDATE a"]}', "not as expected"),
            (b'{"data_version":7}', "not as expected"),
        ],
    )
    def test_what_cannot_be_replicated(self, payload: bytes, reason: str) -> None:
        with pytest.raises(ReplicaError, match=reason):
            read_set(payload)


def stored(following: Following, sequence: int) -> Following:
    """What holds after a set is stored."""
    step = following.step(Write(sequence % VERSIONS))
    assert isinstance(step, Store)
    return step.after


def assert_refuses(decision: object, reason: Reason, *parts: str) -> None:
    assert isinstance(decision, Refusal)
    assert decision.reason is reason
    assert [part for part in parts if part not in str(decision)] == []
    assert "\n" not in str(decision)
