"""The engine cannot be reached: patience, and the journal that may stand in for it.

The engine is a real one, with a connection to it that fails as networks do.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from clnwire.replica import keeper
from clnwire.replica.engines.local import LocalEngine, make_directory
from clnwire.replica.errors import UnavailableError
from clnwire.replica.records import Head, Record
from clnwire.replica.settings import ReplicaSettings
from tests.replica.commands import Commands
from tests.replica.nodes import SCHEMA, add, dump
from tests.replica.test_keeper import MiniNode

T = TypeVar("T")


class Far(LocalEngine):
    """An engine at the other end of a connection that can be cut."""

    is_down = False
    loses_answers = 0
    """How many writes are stored without their acknowledgement coming back."""
    calls = 0

    def _far(self, call: Callable[[], T]) -> T:
        self.calls += 1
        if self.is_down:
            raise UnavailableError("connection refused")
        result = call()
        if self.loses_answers:
            self.loses_answers -= 1
            raise UnavailableError("connection reset")
        return result

    def open(self) -> None:
        if self._lock < 0:
            self._far(super().open)

    def head(self) -> Head | None:
        return super().head() if not self.is_down else self._far(super().head)

    def append(self, expected: Head, record: Record) -> Head:
        append = super().append
        return self._far(lambda: append(expected, record))

    def settle(self, expected: Head, record: Record) -> Head:
        settle = super().settle
        return self._far(lambda: settle(expected, record))

    def take_over(self, expected: Head, head: Head) -> None:
        take_over = super().take_over
        self._far(lambda: take_over(expected, head))


class FarNode(MiniNode):
    """A node whose engine is far away."""

    def __init__(self, folder: Path, replica: Path, **more: object) -> None:
        super().__init__(folder, replica, **more)
        self.far = Far(replica, "alice", writes=True)
        self.lost: list[str] = []

    @property
    def settings(self) -> ReplicaSettings:
        journal = self.folder.with_name("journal")
        when: Any = "journal" if journal.is_dir() else "refuse"
        return msgspec.structs.replace(super().settings, when_down=when, journal=journal)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FarNode]:
    make_directory(tmp_path / "copy")
    node = FarNode(tmp_path / "node", tmp_path / "copy")
    monkeypatch.setattr(keeper, "new_engine", lambda *_, **__: node.far)
    node.commit(*SCHEMA, add(1))
    yield node
    node.end()


@pytest.fixture
def journal(tmp_path: Path, node: FarNode) -> Path:
    """The node may use it from its next start on."""
    make_directory(tmp_path / "journal")
    node.end()
    return tmp_path / "journal"


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_short_outage_only_takes_time(node: FarNode) -> None:
    node.more["patience"] = 20
    node.end()
    node.commit(add(2))
    node.far.is_down = True
    calls = node.far.calls

    def come_back(text: str) -> None:
        node.far.is_down = False
        node.logged.append(text)

    assert node.keeper is not None
    node.keeper._log = lambda _level, text: come_back(text)
    node.commit(add(3))
    assert node.far.calls > calls + 1
    assert any("the node waits for the replica" in text for text in node.logged)
    assert "the replica answers again" in node.logged[-1]
    assert node.keeper.status.retries > 0
    assert node.keeper.status.outage_seconds > 0
    node.assert_same()


@pytest.mark.promise("the engine cannot be reached")
def test_patience_has_an_end(node: FarNode) -> None:
    node.far.is_down = True
    refused = node.ask(add(2), version=2)
    assert refused is not None
    assert "could not be reached for" in refused
    assert "connection refused" in refused
    node.far.is_down = False
    # A node that goes on after the refusal would do so without its replica.
    assert node.ask(add(2), version=2) == refused
    node.end()
    node.commit(add(2))
    node.assert_same()


def test_the_reason_of_a_refusal_stays(node: FarNode, monkeypatch: pytest.MonkeyPatch) -> None:
    def close() -> None:
        raise UnavailableError("nobody is there to say goodbye to")

    node.far.is_down = True
    with monkeypatch.context() as patched:
        patched.setattr(node.far, "close", close)
        refused = node.ask(add(2), version=2)
    assert refused is not None
    assert "connection refused" in refused


@pytest.mark.parametrize("answers", [1, 2])
def test_a_lost_acknowledgement(node: FarNode, answers: int) -> None:
    node.far.loses_answers = answers
    node.commit(add(2))
    node.commit(add(3))
    assert len(list(node.far.records(1, 0))) == 3
    node.assert_same()


@pytest.mark.parametrize("answers", [1, 2])
def test_a_lost_acknowledgement_of_a_take_over(node: FarNode, answers: int) -> None:
    node.end()
    node.far.loses_answers = answers
    node.commit(add(2))
    node.assert_same()


def test_an_outage_at_the_start(node: FarNode) -> None:
    node.end()
    node.far.is_down = True
    assert "connection refused" in node.refusal(add(2))
    node.far.is_down = False
    node.commit(add(2))
    node.assert_same()


@pytest.mark.promise(
    "the engine cannot be reached",
    "the node waits as long as its settings say, or the journal stands in; nothing is lost",
)
@pytest.mark.parametrize("lost", [0, 1])
def test_the_journal_stands_in(node: FarNode, journal: Path, lost: int) -> None:
    node.commit(add(2))
    node.far.loses_answers = lost
    node.far.is_down = not lost
    if lost:
        # The set is stored, and its acknowledgement lost with the connection.
        node.far._far = lambda call, real=node.far._far: cut(node.far, real, call)  # type: ignore
    for coin in range(3, 9):
        node.commit(add(coin))
    assert node.keeper is not None
    assert "stands in" in node.keeper.status.degraded
    assert "on this machine alone" in node.logged[-1]
    node.far.is_down = False
    node.far.__dict__.pop("_far", None)
    stand_in = node.keeper._stand_in
    assert stand_in is not None
    until(lambda: stand_in.can_end)
    node.commit(add(9))
    assert node.keeper.status.degraded == ""
    assert "the engine has all sets again" in node.logged[-1]
    assert list(journal.iterdir()) == []
    node.commit(add(10))
    node.assert_same()


def cut(far: Far, real: Callable[[Any], Any], call: Callable[[], Any]) -> Any:
    """Cuts the connection as soon as an answer is lost."""
    try:
        return real(call)
    except UnavailableError:
        far.is_down = True
        raise


@pytest.mark.parametrize("replaced", [False, True])
def test_a_crash_while_it_stands_in(node: FarNode, journal: Path, replaced: bool) -> None:
    node.commit(add(2))
    node.far.is_down = True
    node.commit(add(3))
    if replaced:
        node.lose(add(4))
    node.end()
    assert (journal / "pending").is_dir()
    assert "connection refused" in node.refusal(add(5))
    node.far.is_down = False
    node.commit(add(5))
    assert any("what the journal has stood in for" in text for text in node.logged)
    assert not any("lacks" in text for text in node.logged)
    assert list(journal.iterdir()) == []
    node.assert_same()


def test_what_a_killed_run_did_not_remove(node: FarNode, journal: Path) -> None:
    node.commit(add(2))
    node.far.is_down = True
    node.commit(add(3))
    node.end()
    # An earlier outage: the run was killed while it removed what the engine had got.
    shutil.copytree(journal / "pending", journal / "pending.done")
    node.far.is_down = False
    node.commit(add(4))
    assert list(journal.iterdir()) == []
    node.assert_same()


def test_a_restore_gets_what_the_engine_lacks(
    node: FarNode, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")
    settings = f'engine = "file:{node.replica}"\nnode = "alice"\njournal = "{journal}"\n'
    (node.folder / "clnwire-replica.toml").write_text(settings)
    node.commit(add(2))
    node.far.is_down = True
    node.commit(add(3))
    commands, target = Commands(node.folder, capsys), node.folder / "restored"
    running = commands.on_node("restore", "--to", target)
    assert (running.status, target.exists()) == (2, False)
    assert f"{journal / 'pending'}" in running.err
    node.end()
    assert commands.on_node("restore", "--to", target).status == 0
    assert dump(target) == dump(node.database)
    assert list(journal.iterdir()) == []
    node.far.is_down = False
    node.commit(add(4))
    assert not any("lacks" in text for text in node.logged)
    node.assert_same()


def test_a_restore_names_what_does_not_follow(
    node: FarNode, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")
    settings = f'engine = "file:{node.replica}"\nnode = "alice"\njournal = "{journal}"\n'
    (node.folder / "clnwire-replica.toml").write_text(settings)
    node.commit(add(2))
    node.far.is_down = True
    node.commit(add(3))
    node.end()
    node.far.is_down = False
    node.far.open()
    head = node.far.head()
    assert head is not None
    node.far.take_over(head, msgspec.structs.replace(head, epoch=head.epoch + 1, owner="b" * 32))
    node.far.close()
    ran = Commands(node.folder, capsys).on_node("restore", "--to", node.folder / "restored")
    assert ran.status == 2
    assert f"move {journal / 'pending'} away" in ran.err


def test_it_begins_with_a_set_that_is_replaced(
    node: FarNode, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.commit(add(2))
    node.lose(add(3))

    def take_over_and_go(expected: Head, head: Head) -> None:
        LocalEngine.take_over(node.far, expected, head)
        node.far.is_down = True

    monkeypatch.setattr(node.far, "take_over", take_over_and_go)
    node.commit(add(4))
    node.commit(add(5))
    assert (journal / "pending").is_dir()
    node.end()
    monkeypatch.undo()
    node.far.is_down = False
    monkeypatch.setattr(keeper, "new_engine", lambda *_, **__: node.far)
    node.commit(add(6))
    assert list(journal.iterdir()) == []
    node.assert_same()


def test_its_time_is_limited(node: FarNode, journal: Path) -> None:
    node.more["journal-minutes"] = 0.1
    node.commit(add(2))
    node.far.is_down = True
    node.commit(add(3))
    assert node.keeper is not None
    stand_in = node.keeper._stand_in
    assert stand_in is not None
    stand_in.began -= 6
    refused = node.ask(add(4), version=4)
    assert refused is not None
    assert "may not stand in for longer" in refused
    node.end()
    node.far.is_down = False
    node.commit(add(4))
    node.assert_same()


def test_another_instance_has_taken_over_meanwhile(node: FarNode, journal: Path) -> None:
    node.commit(add(2))
    assert node.keeper is not None
    node.keeper._on_lost = node.lost.append
    node.far.is_down = True
    node.commit(add(3))
    head = node.far.head if node.far.is_down else None
    assert head is not None
    stored = node.far._head
    assert stored is not None
    other = msgspec.structs.replace(stored, epoch=9, owner="b" * 32)
    LocalEngine.take_over(node.far, stored, other)
    node.far.is_down = False
    until(lambda: node.lost)
    assert "another instance has taken over while the journal stood in" in node.lost[0]
    node.end()
    # The database is ahead of a replica that is another's.
    assert "another instance wrote" in node.refusal(add(4))
    assert any("They are kept in" in text for text in node.logged)


def test_a_journal_that_cannot_be_written(node: FarNode, journal: Path) -> None:
    node.commit(add(2))
    node.far.is_down = True
    journal.rmdir()
    refused = node.ask(add(3), version=3)
    assert refused is not None
    assert "the journal cannot stand in" in refused
