"""The owner file: what this very instance has held, and what a copy of it must not know."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from clnwire.replica.errors import RefusedError
from clnwire.replica.files import sync
from clnwire.replica.owner import FILE, Owner
from clnwire.replica.records import Head
from tests.replica.nodes import a_full_disk


def head(epoch: int, owner: str, chain: bytes = bytes(32)) -> Head:
    return Head("alice", 1, epoch, owner, 7, chain)


def test_what_was_claimed_is_known_after_a_restart(tmp_path: Path) -> None:
    first = Owner(tmp_path, "alice")
    assert first.highest_epoch == 0
    tokens = [first.claim(epoch) for epoch in (1, 2)]
    second = Owner(tmp_path, "alice")
    assert second.highest_epoch == 2
    assert all(second.knows(head(1 + number, token)) for number, token in enumerate(tokens))
    assert not second.knows(head(1, tokens[1]))
    assert not second.knows(head(3, tokens[1]))
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_what_was_acknowledged_is_known_after_a_restart(tmp_path: Path) -> None:
    owner = Owner(tmp_path, "alice")
    owner.claim(1)
    assert not Owner(tmp_path, "alice").has_held
    owner.hold()
    owner.hold()
    assert Owner(tmp_path, "alice").has_held
    owner.claim(2)
    assert Owner(tmp_path, "alice").has_held


def test_a_copy_knows_nothing(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    token = Owner(one, "alice").claim(1)
    shutil.copytree(one, two)
    copy = Owner(two, "alice")
    assert not copy.knows(head(1, token))
    assert copy.highest_epoch == 0
    copy.claim(2)
    assert Owner(two, "alice").highest_epoch == 2
    assert not Owner(two, "alice").knows(head(1, token))


def test_a_directory_may_be_renamed(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    token = Owner(tmp_path / "one", "alice").claim(1)
    (tmp_path / "one").rename(tmp_path / "two")
    assert Owner(tmp_path / "two", "alice").knows(head(1, token))


@pytest.mark.parametrize(
    ("changed", "is_copy"),
    [
        ({"device": 0}, False),
        ({"filesystem": 0}, False),
        ({"device": 0, "filesystem": 0}, True),
        ({"machine": "another"}, True),
        ({"inode": 1}, True),
    ],
)
def test_what_makes_a_copy(tmp_path: Path, changed: dict[str, object], is_copy: bool) -> None:
    # The numbers of devices may change at a reboot, the id of the file system does not.
    Owner(tmp_path, "alice").claim(1)
    path = tmp_path / FILE
    content = msgspec.json.decode(path.read_bytes())
    content["identity"].update(changed)
    path.write_bytes(msgspec.json.encode(content))
    assert Owner(tmp_path, "alice").highest_epoch == (0 if is_copy else 1)


def test_adopting_a_head_is_for_that_head_alone(tmp_path: Path) -> None:
    Owner(tmp_path, "alice").adopt(head(5, "f" * 32, b"a" * 32))
    again = Owner(tmp_path, "alice")
    assert again.knows(head(5, "f" * 32, b"a" * 32))
    assert not again.knows(head(5, "f" * 32, b"b" * 32))
    assert again.highest_epoch == 0


def test_another_node_and_damage_are_refused(tmp_path: Path) -> None:
    Owner(tmp_path, "alice").claim(1)
    with pytest.raises(RefusedError, match="is of the node 'alice'"):
        Owner(tmp_path, "bob")
    (tmp_path / FILE).write_bytes(b"{")
    with pytest.raises(RefusedError, match="cannot be read"):
        Owner(tmp_path, "alice")


def test_old_claims_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clnwire.replica.owner.KEPT", 3)
    owner = Owner(tmp_path, "alice")
    tokens = [owner.claim(epoch) for epoch in range(1, 5)]
    assert len(msgspec.json.decode((tmp_path / FILE).read_bytes())["claims"]) == 3
    assert owner.knows(head(4, tokens[-1]))
    assert not owner.knows(head(1, tokens[0]))


def test_a_disk_that_is_full_is_named(tmp_path: Path) -> None:
    owner = Owner(tmp_path, "alice")
    owner.claim(1)
    before = (tmp_path / FILE).read_bytes()
    with a_full_disk(10), pytest.raises(OSError, match="File too large") as error:
        owner.claim(2)
    assert error.value.filename == str(tmp_path / FILE)
    assert (tmp_path / FILE).read_bytes() == before


def test_what_cannot_be_synced_is_named() -> None:
    with pytest.raises(OSError, match="'/dev/null'"):
        sync(Path("/dev/null"))
