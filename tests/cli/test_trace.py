"""`clnwire trace`, run as a user runs it."""

from __future__ import annotations

import gzip
import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from tests.captures.recording import memory_kib
from tests.cli.pty_screen import on_terminal
from tests.cli.terminal import CLNWIRE, ENV, clnwire, one_line

LINES = [
    (0, "in", {"id": 1, "method": "getmanifest", "params": {}}),
    (1_500, "out", {"id": 1, "result": {"options": []}}),
    (2_000, "in", {"id": 2, "method": "htlc_accepted", "params": {"onion": "0a" * 200}}),
    (2_100, "in", {"id": "x", "method": "hello", "params": ["Rusty"]}),
    (2_200, "out", {"method": "log", "params": {"level": "info", "message": "ready\nnow"}}),
    (2_300, "in", {"method": "connect", "params": {"connect": {"id": "02"}}}),
    (2_350, "out", {"method": "news", "params": {"news": {}}}),
    (2_360, "out", {"method": "progress", "params": {"id": "x", "num": 1}}),
    (2_400, "out", {"id": "x", "error": {"code": 7, "message": "Nobody"}}),
    (252_000, "out", {"id": 2, "result": {"result": "continue"}}),
    (300_000, "in", {"id": 3, "method": "hello", "params": {}}),
    (300_001, "out", {"id": 9, "result": "for nobody"}),
]


def lines(frames: list[tuple[int, str, Any]] = LINES) -> str:
    return "".join(
        json.dumps({"t_us": t, "dir": where, "frame": json.dumps({"jsonrpc": "2.0", **frame})})
        + "\n"
        for t, where, frame in frames
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "capture.jsonl.gz"
    file.write_bytes(gzip.compress(lines().encode()))
    return file


def numbers(*words: str | Path) -> list[int]:
    """The messages that are shown."""
    done = clnwire("trace", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return [int(line.split()[0]) for line in done.stdout.splitlines()]


def test_a_line_a_message(path: Path) -> None:
    done = clnwire("trace", path)
    assert (done.returncode, done.stderr) == (0, "")
    shown = [re.sub(" +", " ", line) for line in done.stdout.splitlines()]
    assert shown == [
        " 1 0.000000 → startup getmanifest {}",
        ' 2 0.001500 ← answer getmanifest to 1 1.50 ms {"options": []}',
        ' 3 0.002000 → hook htlc_accepted {"onion": "0a0a0a0a0a0a0a0a0a0a0a0a…+376"}',
        ' 4 0.002100 → method hello ["Rusty"]',
        " 5 0.002200 ← log log info: ready now",
        ' 6 0.002300 → topic connect {"connect": {"id": "02"}}',
        ' 7 0.002350 ← topic news {"news": {}}',
        ' 8 0.002360 ← notice progress {"id": "x", "num": 1}',
        ' 9 0.002400 ← error hello to 4 300 µs {"code": 7, "message": "Nobody"}',
        ' 10 0.252000 ← answer htlc_accepted to 3 250.00 ms {"result": "continue"}',
        " 11 0.300000 → method hello {}",
        ' 12 0.300001 ← answer "for nobody"',
    ]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--kind", "hook", "--kind", "error"], [3, 9]),
        (["--hook", "htlc_*"], [3, 10]),
        (["--hook", "htlc_*", "--method", "hello"], [3, 4, 9, 10, 11]),
        (["--method", "getmanifest"], [1, 2]),
        (["--topic", "*"], [6, 7]),
        (["--topic", "hello"], []),
        (["--direction", "out", "--kind", "topic"], [7]),
        (["--slower-than", "1ms"], [2, 10]),
        (["--slower-than=0.25s"], []),
        (["--text", "nobody"], [9, 12]),
        (["--from", "4", "--to", "6"], [4, 5, 6]),
        (["--from", "2.3ms", "--to", "0.0024s"], [6, 7, 8, 9]),
        (["--from", "10", "--hook", "*"], [10]),
    ],
)
def test_filters(path: Path, words: list[str], shown: list[int]) -> None:
    assert numbers(path, *words) == shown


@pytest.mark.parametrize(
    ("token", "manifest", "kind"),
    [
        (1, {"rpcmethods": [{"name": "recover"}]}, "method"),
        (1, {"rpcmethods": [], "hooks": []}, "method"),
        (1, None, "method"),
        ("cln:getmanifest#1", {"rpcmethods": [{"name": "recover"}], "hooks": []}, "method"),
        ("cln:getmanifest#1", {"hooks": [{"name": "recover"}]}, "hook"),
        ("cln:getmanifest#1", {"hooks": "?", "rpcmethods": [5, {}, {"name": 5}]}, "hook"),
        ("cln:getmanifest#1", [], "hook"),
        ("cln:getmanifest#1", None, "hook"),
    ],
)
def test_a_method_with_the_name_of_a_later_hook(
    tmp_path: Path, token: object, manifest: object, kind: str
) -> None:
    answer = {"error": {}} if manifest is None else {"result": manifest}
    path = tmp_path / "capture.jsonl"
    path.write_text(
        lines(
            [
                (0, "in", {"id": token, "method": "getmanifest", "params": {}}),
                (1, "out", {"id": token, **answer}),
                (2, "in", {"id": 2, "method": "recover", "params": {}}),
                (3, "out", {"id": 2, "result": {}}),
            ]
        )
    )
    assert numbers(path, f"--{kind}", "recover") == [3, 4]
    assert numbers(path, f"--{'hook' if kind == 'method' else 'method'}", "recover") == []


def test_json_for_programs(path: Path) -> None:
    done = clnwire("trace", path, "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["number"] for one in found] == list(range(1, 13))
    assert [one["frame"] for one in found] == [{"jsonrpc": "2.0", **f} for _, _, f in LINES]
    assert found[8] == {
        "number": 9,
        "t_us": 2_400,
        "dir": "out",
        "kind": "error",
        "name": "hello",
        "request": 4,
        "latency_us": 300,
        "frame": {"jsonrpc": "2.0", **LINES[8][2]},
    }


def test_full_shortens_nothing(path: Path) -> None:
    assert "0a" * 200 in clnwire("trace", path, "--full").stdout
    assert max(map(len, clnwire("trace", path).stdout.splitlines())) <= 200


def test_a_summary(path: Path) -> None:
    done = clnwire("trace", path, "--summary", "--json")
    found = json.loads(done.stdout)
    assert (found["messages"], found["seconds"]) == (12, 0.300001)
    assert found["daemon"] == "a daemon of 2019"
    rows = {(row["kind"], row["name"], row["dir"]): row for row in found["names"]}
    assert rows["method", "hello", "in"] == {
        "kind": "method",
        "name": "hello",
        "dir": "in",
        "count": 2,
        "answered": 1,
        "errors": 1,
        "unanswered": 1,
        "median_us": 300.0,
        "p99_us": 300.0,
        "max_us": 300,
    }
    assert rows["topic", "news", "out"] == {
        "kind": "topic",
        "name": "news",
        "dir": "out",
        "count": 1,
    }
    shown = clnwire("trace", path, "--summary").stdout
    assert re.search(r"→ +method +hello +2 +1 +1 +300 µs +300 µs +300 µs", shown)
    assert shown.endswith("12 messages in 0.300 s, from a daemon of 2019\n")
    assert "connect" not in clnwire("trace", path, "--summary", "--hook=*").stdout
    for words, unanswered in (["--method=h*"], 1), (["--to=10"], 0), (["--kind=hook"], 0):
        done = clnwire("trace", path, "--summary", "--json", *words)
        rows = json.loads(done.stdout)["names"]
        assert sum(row.get("unanswered", 0) for row in rows) == unanswered


def test_percentiles_to_one_per_cent(tmp_path: Path) -> None:
    chosen = [int(1.5 ** random.Random(n).uniform(0, 40)) for n in range(999)]
    frames = [(0, "in", {"id": n, "method": "hello", "params": {}}) for n in range(999)]
    frames += [(t, "out", {"id": n, "result": 1}) for n, t in enumerate(chosen)]
    path = tmp_path / "capture"
    path.write_text(lines(frames))
    (row,) = json.loads(clnwire("trace", path, "--summary", "--json").stdout)["names"]
    ordered = sorted(chosen)
    assert row["median_us"] == pytest.approx(ordered[499], rel=0.011)
    assert row["p99_us"] == pytest.approx(ordered[989], rel=0.011)
    assert row["max_us"] == ordered[-1]


def test_colours_and_the_width_of_a_terminal(path: Path) -> None:
    status, shown = on_terminal("trace", path, columns=70)
    assert status == 0
    assert "\x1b[36m" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert len(plain) == 12
    assert max(map(len, plain)) == 70
    assert plain[2].endswith("…")
    status, shown = on_terminal("trace", path, env={"NO_COLOR": "1"})
    assert "\x1b[3" not in shown
    status, shown = on_terminal("trace", path, "--full", columns=70)
    assert "0a" * 200 in shown


def test_a_bar_while_a_summary_is_made(path: Path) -> None:
    with gzip.open(path, "at") as file:
        file.write(lines() * 300)
    status, shown = on_terminal("trace", path, "--summary")
    assert status == 0
    assert "reading" in shown
    assert "reading" not in on_terminal("trace", path, "--summary", "--json")[1]


def test_what_a_plugin_says_cannot_move_the_cursor(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    note = {"t_us": 1, "dir": "out", "note": "not JSON: \x1b[2Jgone\r\n", "raw": "AAAA"}
    odd = {"t_us": 2, "dir": "in", "frame": '{\n"method":"m[red]",\r\n"params":["\x1b[2J"]}'}
    frame = json.dumps({"method": "m[red]\x1b[2J", "params": []})
    name = {"t_us": 3, "dir": "in", "frame": frame}
    path.write_text("".join(f"{json.dumps(one)}\n" for one in (note, odd, name)))
    done = clnwire("trace", path)
    assert done.stdout.count("\n") == 3
    assert not {"\x1b", "\r"} & set(done.stdout)
    assert "[2Jgone" in done.stdout
    assert "\x1b[2J" not in on_terminal("trace", path)[1]
    shown = on_terminal("trace", path, "--summary")[1]
    assert "m[red] [2J" in shown


def test_a_reader_that_has_seen_enough(path: Path) -> None:
    with gzip.open(path, "wt") as file:
        file.write(lines() * 2000)
    command = f"{sys.executable} -m clnwire trace {path} | head -n 3"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"],
        env=ENV,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[3:] == ["141"]


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_cut_file_is_read_as_far_as_it_goes(tmp_path: Path, keep: float) -> None:
    noise = [
        (n, "in", {"method": "connect", "params": random.Random(n).randbytes(300).hex()})
        for n in range(300)
    ]
    packed = gzip.compress(lines(noise).encode())
    path = tmp_path / "cut.gz"
    path.write_bytes(packed[: int(len(packed) * keep)])
    done = clnwire("trace", path)
    assert done.returncode == 1
    count = len(done.stdout.splitlines())
    assert keep - 0.1 < count / 300 <= keep + 0.02
    assert done.stderr == (
        f"clnwire trace: {path}: line {count + 1} and what follows cannot be read: the compressed "
        "data ends early\n"
    )


def test_damaged_data_and_broken_lines(tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_text("hello\n" + lines(LINES[:2]) + '{"t_us":1}\n\n' + lines(LINES[2:3]) + '{"t_')
    done = clnwire("trace", path)
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["2", "3", "6"]
    said = done.stderr.splitlines()
    assert len(said) == 3
    assert all(": not a record of a capture: " in line for line in said)
    assert said[0].startswith(f"clnwire trace: {path}:1: ")
    path.write_text("hello\n" * 1000 + lines())
    done = clnwire("trace", path)
    assert len(done.stdout.splitlines()) == 12
    assert len(done.stderr.splitlines()) == 6
    assert "1,000 lines cannot be read as records" in done.stderr
    packed = bytearray(gzip.compress(lines().encode()))
    packed[len(packed) // 2 :] = bytes(len(packed) - len(packed) // 2)
    path.write_bytes(packed)
    done = clnwire("trace", path)
    assert done.returncode == 1
    assert "cannot be read: the compressed data " in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "none: cannot be read: No such file or directory"),
        (["none", "--kind", "x"], "--kind must be one of startup, hook, "),
        (["none", "--direction", "up"], "--direction must be one of in, out, not 'up'"),
        (["none", "--slower-than", "10"], "--slower-than must be a time such as 12.5s"),
        (
            ["none", "--from", "1.5"],
            "--from must be a message's number or a time, such as 120",
        ),
        ([], "missing argument 'CAPTURE'; see: clnwire trace --help"),
        (["none", "--nix"], "there is no option --nix; see: clnwire trace --help"),
    ],
)
def test_what_cannot_be_done(words: list[str], said: str) -> None:
    line = one_line(clnwire("trace", *words), 2)
    assert line.startswith("clnwire trace: ")
    assert said.lower() in line.lower()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_memory_does_not_grow_with_the_capture(tmp_path: Path) -> None:
    def most(count: int) -> int:
        """What a summary of so many messages needs, in KiB."""
        path = tmp_path / f"{count}.gz"
        with gzip.open(path, "wt", compresslevel=1) as file:
            for n in range(count // 2):
                ask = {"id": n, "method": "hello", "params": {"text": "x" * 400}}
                file.write(lines([(n, "in", ask), (n + 50, "out", {"id": n, "result": n})]))
        process = subprocess.Popen(
            [*CLNWIRE, "trace", str(path), "--summary"], env=ENV, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        found = 0
        while process.poll() is None:
            try:
                found = max(found, memory_kib(process.pid))
            except (OSError, AssertionError):
                break
            time.sleep(0.02)
        assert f"{count:,} messages in".encode() in process.stdout.read()
        process.stdout.close()
        assert process.wait() == 0
        return found

    small, large = most(2_000), most(100_000)
    assert large < small + 12_000


@pytest.mark.parametrize(
    ("name", "messages"), [("db_write", 4328), ("node", 7637), ("forwarder", None)]
)
def test_recorded_traffic(shared: Path, name: str, messages: int | None) -> None:
    path = shared / f"captures/{name}.jsonl.gz"
    found = json.loads(clnwire("trace", path, "--summary", "--json").stdout)
    lines_in_it = gzip.decompress(path.read_bytes()).count(b"\n")
    assert found["messages"] == lines_in_it == (messages or lines_in_it)
    assert sum(row.get("unanswered", 0) for row in found["names"]) == 0
    assert len(clnwire("trace", path).stdout.splitlines()) == lines_in_it


@pytest.mark.parametrize(
    "character", ["\x1b", "\x9b", "\x7f", "\u202e", "\u2066", "\u2028", "\x00"]
)
def test_no_character_acts_on_the_terminal(character: str) -> None:
    from clnwire.cli._trace_lines import printable

    shown = printable(f"a {character}[31m\r\nb")
    assert shown.isprintable()
    assert shown.startswith("a ")
