"""Captures with much of one thing, or with what is nested deeply, are read in linear time."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from clnwire.captures import conversation
from clnwire.captures.conversation import Conversation
from clnwire.captures.cutting import Cutter
from clnwire.captures.reading import CaptureError, Record, read_records
from clnwire.cli._replay_diff import Comparison
from clnwire.replay.capture import Step
from clnwire.replay.differences import compare_bytes, compare_replies
from tests.cli.terminal import clnwire

DEEP = "[" * 200_000 + "]" * 200_000


def reply(result: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"result":%b}' % result


def test_records_nested_too_deeply_and_beyond_all_clocks_are_broken(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    deep = f'{{"t_us":1,"dir":"in","frame":"{{}}","x":{DEEP}}}'
    far = f'{{"t_us":{"9" * 400},"dir":"in","frame":"{{}}"}}'
    path.write_text(f"{deep}\n{far}\n")
    broken: list[CaptureError] = []
    assert not [*read_records(path, on_broken=broken.append, on_cut=broken.append)]
    assert len(broken) == 2


@pytest.mark.parametrize("words", [[], ["--full"], ["--json"], ["--summary"]])
def test_trace_shows_what_is_nested_too_deeply(tmp_path: Path, words: list[str]) -> None:
    path = tmp_path / "c.jsonl"
    frames = [
        ("in", '{"jsonrpc":"2.0","id":1,"method":"getmanifest","params":{}}'),
        ("out", f'{{"jsonrpc":"2.0","id":1,"result":{{"hooks":{DEEP}}}}}'),
        ("out", f'{{"jsonrpc":"2.0","method":"log","params":{DEEP}}}'),
    ]
    path.write_text(
        "".join(
            json.dumps({"t_us": 1, "dir": direction, "frame": frame}) + "\n"
            for direction, frame in frames
        )
    )
    found = clnwire("trace", path, *words)
    assert (found.returncode, found.stderr) == (0, "")


def test_the_oldest_of_many_requests_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MOST_WAITING", 3)
    following = Conversation()
    for number in range(5):
        frame = json.dumps({"jsonrpc": "2.0", "id": number, "method": "m", "params": {}})
        following.take(number, Record(number, "in", frame))
    assert [each.number for each in following.waiting] == [2, 3, 4]


def test_invalid_bytes_are_gone_through_once() -> None:
    cutter = Cutter()
    # Joined again with each read, these would be 50 GB.
    found = [piece for _ in range(100_000) for piece in cutter.feed(b"no JSON!\n ")]
    found += cutter.end()
    assert len(b"".join(piece.data for piece in found)) == 1_000_000 - 2


def test_a_difference_is_shown_in_few_words() -> None:
    name = b"n" * 100_000
    one, other = (reply(b'{"%b":[%b]}' % (name, b",".join([each] * 500))) for each in (b"1", b"2"))
    changes = compare_replies(one, other)
    assert len(changes) == 500
    assert max(len(change.path) for change in changes) < 200
    comparison = Comparison(())
    comparison.take(Step(1, 1, b"{}", "m" * 100_000, name, one), other)
    out = StringIO()
    comparison.show(Console(file=out), 0)
    assert len(out.getvalue()) < 5000


def test_each_of_many_ignored_members_is_looked_for_once() -> None:
    one, other = (
        reply(b"{%b}" % b",".join([b'"t":%d' % each, b'"\\u0075":1'] * 20_000)) for each in (1, 2)
    )
    assert not compare_bytes(one, other, ("t", "u"))
    assert compare_bytes(one, other, ("u",))
