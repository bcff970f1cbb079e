"""`clnwire replay --diff`, `--from` and `--to`."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from hypothesis import given
from hypothesis import strategies as st

from clnwire.replay.differences import compare_replies
from tests.cli.pty_screen import on_terminal
from tests.cli.test_replay import EVERYTHING, START, capture, incoming, outgoing, replay
from tests.host.raw import write_plugin

CALLS = [
    incoming("hello", {"n": 1}, "a"),
    incoming("hello", {"n": 2}, "b"),
    outgoing("b", result={"greeting": "Hi", "n": 2, "list": [1, 2]}),
    outgoing("a", result={"greeting": "Hi", "n": 1, "list": [1, 2]}),
]
PLUGIN = """
MANIFEST = {"options": [], "rpcmethods": []}

def answer(message):
    return {"list": [1, 2.0], "n": message["params"]["n"], "greeting": GREETING}
"""


def plugin(folder: Path, greeting: str = "'Hi'", more: str = "") -> Path:
    return write_plugin(folder, PLUGIN.replace("GREETING", greeting) + dedent(more))


def differences(*words: str | Path, status: int = 1) -> dict[str, Any]:
    done = replay("--diff", "--json", *words)
    assert done.returncode == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["ok"] is (status == 0)
    return found


def test_the_same_answers_in_another_form_and_order(tmp_path: Path) -> None:
    path = capture(tmp_path, [*START, *CALLS])
    found = differences(path, "--", plugin(tmp_path), status=0)
    assert (found["compared"], found["different"], found["differences"]) == (4, 0, [])
    shown = replay("--diff", path, "--", plugin(tmp_path))
    assert shown.returncode == 0
    assert shown.stdout.endswith("no difference in 4 answers\n")


def test_each_place_that_differs(tmp_path: Path) -> None:
    path = capture(tmp_path, [*START, *CALLS])
    wrong = plugin(tmp_path, "'Bye' if message['id'] == 'a' else True")
    found = differences(path, "--", wrong)
    assert found["differences"] == [
        {
            "line": 5,
            "method": "hello",
            "changes": [{"path": "result.greeting", "recorded": "Hi", "got": "Bye"}],
        },
        {
            "line": 6,
            "method": "hello",
            "changes": [{"path": "result.greeting", "recorded": "Hi", "got": True}],
        },
    ]
    shown = replay("--diff", path, "--", wrong)
    assert shown.returncode == 1
    assert shown.stdout.endswith(
        'line 5: hello "a"\n  - result.greeting: "Hi"\n  + result.greeting: "Bye"\n'
        'line 6: hello "b"\n  - result.greeting: "Hi"\n  + result.greeting: true\n'
        "different: 2 of 4 answers (hello 2)\n"
    )
    assert "\x1b" not in shown.stdout
    assert differences("--ignore", "n,greeting", path, "--", wrong, status=0)["compared"] == 4


def test_colours_on_a_terminal(tmp_path: Path) -> None:
    path = capture(tmp_path, [*START, *CALLS])
    status, shown = on_terminal("replay", "--diff", path, "--", plugin(tmp_path, "1"))
    assert status == 1
    assert '\x1b[31m  - result.greeting: "Hi"\x1b[0m' in shown
    assert "\x1b[32m  + result.greeting: 1\x1b[0m" in shown


def test_an_error_instead_of_an_error(tmp_path: Path) -> None:
    body = """
    MANIFEST = {"options": [], "rpcmethods": []}

    def handle(message, handle=handle):
        fail(message, 2, "no") if message["method"] == "hello" else handle(message)
    """
    refused = outgoing("a", error={"code": 1, "message": "no"})
    path = capture(tmp_path, [*START, CALLS[0], refused])
    found = differences(path, "--", write_plugin(tmp_path, body))
    changes = [{"path": "error.code", "recorded": 1, "got": 2}]
    assert found["differences"] == [{"line": 5, "method": "hello", "changes": changes}]
    found = differences(path, "--", plugin(tmp_path))
    (one,) = found["differences"]
    assert [change["path"] for change in one["changes"]] == ["error", "result"]
    assert "got" not in one["changes"][0]


def test_what_the_plugin_says_unasked_is_not_compared(tmp_path: Path) -> None:
    more = """
    def init(message):
        log("a line")
        send(method="news", params={"n": 1})
        return {}
    """
    lone = incoming("hello", {"n": 3}, "c")
    path = capture(tmp_path, [*START, *CALLS, lone])
    done = replay("--diff", path, "--", plugin(tmp_path, more=more))
    assert done.returncode == 0
    assert done.stdout.endswith(
        "no difference in 4 answers; not compared: 2 notifications of the plugin, "
        "1 answer that the capture does not have\n"
    )


@pytest.mark.parametrize("name", ["forwarder", "node"])
def test_recorded_traffic(shared: Path, tmp_path: Path, name: str) -> None:
    path = shared / f"captures/{name}.jsonl.gz"
    found = differences(path, "--", write_plugin(tmp_path, EVERYTHING))
    assert found["compared"] == found["requests"]
    # The plugin is another one than the recorded one: manifest, method and some answers differ.
    assert found["differences"][0]["method"] == "getmanifest"
    assert found["different"] == len(found["differences"]) < 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_replies_are_the_same_if_json_says_so(one: Any, other: Any) -> None:
    def reply(value: Any, token: int, **form: Any) -> bytes:
        return json.dumps({"id": token, "result": value}, **form).encode()

    assert compare_replies(reply(one, 1), reply(one, 2, indent=1, sort_keys=True)) == []
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (compare_replies(reply(one, 1), reply(other, 2, ensure_ascii=False)) == []) == same


def test_what_python_cannot_hold_is_compared_as_text() -> None:
    def reply(inner: str, depth: int = 1) -> bytes:
        return f'{{"id":1,"result":{"[" * depth}{inner}{"]" * depth}}}'.encode()

    for depth in (1, 500, 900, 2000):
        assert compare_replies(reply("1", depth), reply("1", depth)) == []
        assert len(compare_replies(reply("1", depth), reply("2", depth))) == 1
    assert len(compare_replies(reply('"\\ud800"'), reply('"\\ud801"'))) == 1


def played(*words: str | Path) -> list[str]:
    """The methods that were asked for, but the start."""
    done = replay("--json", *words)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    names = {row["method"]: row["count"] for row in report["methods"]}
    assert (names.pop("getmanifest"), names.pop("init")) == (1, 1)
    return sorted(name for name, count in names.items() for _ in range(count))


@pytest.mark.parametrize(
    ("words", "methods"),
    [
        (["--from", "7"], ["c", "d"]),
        (["--from", "6", "--to", "7"], ["b", "c"]),
        (["--from", "5ms"], ["b", "c", "d"]),
        (["--from=.004s", "--to", "5000us"], ["a", "b"]),
        (["--to=5"], ["a"]),
    ],
)
def test_a_part_of_a_capture(tmp_path: Path, words: list[str], methods: list[str]) -> None:
    calls = [incoming(name, {}, name) for name in "abcd"]
    path = capture(tmp_path, [*START, *calls])
    assert played(path, *words, "--", write_plugin(tmp_path, EVERYTHING)) == methods


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "90"], "no message to the plugin between --from and --to"),
        (
            ["--from", "x"],
            "--from must be a message's number or a time, such as 120 or 12.5s, not 'x'",
        ),
        (
            ["--to", "12.5"],
            "--to must be a message's number or a time, such as 120",
        ),
    ],
)
def test_a_part_that_is_none(tmp_path: Path, words: list[str], said: str) -> None:
    path = capture(tmp_path, [*START, *CALLS])
    done = replay(path, *words, "--", plugin(tmp_path))
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_capture_that_was_cut_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    import random

    noise = [
        incoming("hello", {"n": 1, "noise": random.Random(n).randbytes(500).hex()}, f"n{n}")
        for n in range(200)
    ]
    packed = gzip.compress(capture(tmp_path, [*START, *noise]).read_bytes())
    path = tmp_path / "cut.gz"
    path.write_bytes(packed[: len(packed) // 2])
    done = replay(path, "--", plugin(tmp_path))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        rf"clnwire replay: {path}: line \d+ and what follows cannot be read: the compressed data "
        r"ends early\n",
        done.stderr,
    )
    assert "requests answered" in done.stdout


def test_notes_are_no_messages(tmp_path: Path) -> None:
    path = capture(tmp_path, [*START, *CALLS])
    with path.open("a") as file:
        file.write('{"t_us":9,"dir":"out","note":"no JSON","raw":"AAAA"}\n')
    assert replay("--diff", path, "--", plugin(tmp_path)).returncode == 0


def test_a_bar_on_a_terminal_alone(tmp_path: Path) -> None:
    slow = (
        'import time\ndef answer(message):\n    time.sleep(1.5)\n    return {"result": "continue"}'
    )
    path = capture(tmp_path, [*START, incoming("recover", {"codex32": "c"}, 1)])
    played = write_plugin(tmp_path, slow)
    status, shown = on_terminal("replay", path, "--", played)
    assert status == 0
    assert "playing" in shown
    assert "100%" in shown
    assert "playing" not in on_terminal("replay", "--json", path, "--", played)[1]
    assert replay(path, "--", played).stderr == ""
