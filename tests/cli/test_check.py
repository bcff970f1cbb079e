"""`clnwire check` as its user sees it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire.checking import RULES
from tests.checking.plugins import answering
from tests.cli.terminal import (
    CLNWIRE,
    ENV,
    clnwire,
    is_running,
    one_line,
    python,
    short_folder,
    started,
)
from tests.host.raw import write_plugin

ROOT = Path(__file__).resolve().parents[2]
folder = pytest.fixture(short_folder)
HELLO = ROOT / "examples" / "hello.py"
BAD = """
MANIFEST["hooks"] = ["peer_connected"]
MANIFEST["subscriptions"] = ["conect"]
def answer(message):
    return {"result": "allow"}
"""


def test_a_clean_plugin() -> None:
    done = clnwire("check", HELLO, "--option", "greeting=Hi")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r"hello\.py: all checks passed \(current and 2019, 5 starts, \d+ messages, \d+\.\d s\)\n",
        done.stdout,
    )


def test_findings_are_aligned_and_summed_up(tmp_path: Path) -> None:
    done = clnwire("check", write_plugin(tmp_path, BAD), "--dialect=both")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "CW014 warning  current  manifest subscriptions  "
        "topic 'conect' is not a known notification topic"
    )
    assert lines[1].startswith("      fix   Correct the name.")
    assert lines[2].startswith(
        "CW302 error    current  hook peer_connected     "
        '"result" must be "continue" or "disconnect": {"result":"allow"}'
    )
    wire = '{"jsonrpc": "2.0", "id": "cln:peer_connected#3", "result": {"result": "allow"}}'
    assert lines[3] == f"      wire  {wire}"
    assert lines[4].startswith("      fix   Answer with what the message names, such as ")
    assert lines[5].startswith("note: 2019: not checked, the plugin is for another daemon: ")
    assert lines[6].startswith("plugin.py: 1 error, 1 warning (current, ")
    assert len(lines) == 7
    assert "\x1b" not in done.stdout


def test_json(tmp_path: Path) -> None:
    done = clnwire("check", write_plugin(tmp_path, BAD), "--json", "--dialect=current")
    assert (done.returncode, done.stderr) == (1, "")
    report = json.loads(done.stdout)
    assert (report["ok"], report["plugin"], report["notes"]) == (False, "plugin.py", [])
    assert report["dialects"] == ["current"]
    warning, error = report["findings"]
    assert warning["severity"] == "warning"
    assert (error["code"], error["name"], error["severity"]) == ("CW302", "fatal-answer", "error")
    assert (error["where"], error["dialects"]) == ("hook peer_connected", ["current"])
    assert all(error[member] for member in ("message", "excerpt", "reason", "fix"))
    clean = json.loads(clnwire("check", HELLO, "--json").stdout)
    assert (clean["ok"], clean["findings"]) == (True, [])


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (("--select", "CW0"), ["CW014"]),
        (("--select", "CW014,fatal-answer"), ["CW014", "CW302"]),
        (("--select", "cw3", "--select", "CW1"), ["CW302"]),
        (("--ignore", "CW302"), ["CW014"]),
        (("--ignore", "CW014", "--ignore", "CW3"), []),
        (("--severity", "error"), ["CW302"]),
        (("--select", "CW", "--ignore", "unknown-topic"), ["CW302"]),
    ],
)
def test_rules_are_chosen(tmp_path: Path, words: tuple[str, ...], codes: list[str]) -> None:
    plugin = write_plugin(tmp_path, BAD)
    done = clnwire("check", plugin, "--json", "--dialect=current", *words)
    assert [found["code"] for found in json.loads(done.stdout)["findings"]] == codes
    assert done.returncode == (1 if codes else 0)


@pytest.mark.parametrize("code", ["CW302", "cw302", "fatal-answer"])
def test_explain(code: str) -> None:
    done = clnwire("check", "--explain", code)
    (rule,) = (rule for rule in RULES if rule.code == "CW302")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("CW302 fatal-answer (error)\n")
    assert all(text in done.stdout for text in (rule.summary, rule.reason, rule.fix))


def test_explain_a_group() -> None:
    said = clnwire("check", "--explain", "CW7").stdout
    assert re.findall(r"^CW\d+", said, re.MULTILINE) == ["CW701", "CW702", "CW703"]


def test_what_cannot_be_checked(tmp_path: Path) -> None:
    """One line that says what to do, and status 2."""
    text = tmp_path / "text.md"
    text.write_text("# no plugin")
    assert "there is no such file" in one_line(clnwire("check", tmp_path / "nothing.py"), 2)
    assert "chmod a+x" in one_line(clnwire("check", text), 2)
    assert "no method 'x'" in one_line(clnwire("check", HELLO, "--call=x"), 2)
    assert "--call hello: the parameters are not JSON" in one_line(
        clnwire("check", HELLO, "--call=hello={"), 2
    )
    assert "must be a JSON object or an array" in one_line(
        clnwire("check", HELLO, "--call=hello=1"), 2
    )
    assert "is a directory" in one_line(clnwire("check", tmp_path), 2)
    assert "name the plugin" in one_line(clnwire("check"), 2)
    wrong = one_line(clnwire("check", HELLO, "--option=greetin=Hi"), 2)
    assert "did you mean 'greeting'?" in wrong
    assert "write --name=value" in one_line(clnwire("check", HELLO, "--option==x"), 2)
    assert "no rule 'CW999'" in one_line(clnwire("check", HELLO, "--select=CW999"), 2)
    assert "no rule 'fatal'" in one_line(clnwire("check", "--explain=fatal"), 2)
    done = clnwire("check", tmp_path / "nothing.py", "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (2, False)


def test_the_plugins_arguments(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path, 'assert sys.argv[1:] == ["--quiet", "x"], sys.argv')
    assert clnwire("check", plugin, "--", "--quiet", "x").returncode == 0
    assert "AssertionError" in clnwire("check", plugin).stdout


def test_colours_on_a_terminal_only(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path, BAD)
    command = " ".join(map(str, [*CLNWIRE, "check", plugin, "--dialect=current"]))
    coloured = _on_terminal(command, ENV)
    assert "\x1b[1;31mCW302 error  \x1b[0m" in coloured
    assert "\x1b[1;33mCW014 warning\x1b[0m" in coloured
    plain = _on_terminal(f"{command} 2>/dev/null", {**ENV, "NO_COLOR": "1"})
    assert "CW302 error" in plain
    assert "\x1b" not in plain


def _on_terminal(command: str, env: dict[str, str]) -> str:
    """What a terminal is sent; util-linux's `script` makes one."""
    argv = ["script", "-qec", command, "/dev/null"]
    try:
        done = subprocess.run(
            argv, env=env, capture_output=True, text=True, timeout=60, check=False
        )
    except FileNotFoundError:
        pytest.skip("needs script(1)")
    return done.stdout


STUBBORN = """
import signal, subprocess
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "60"])
def init(message):
    with open(os.environ["PIDS"], "w") as file:
        file.write(f"{os.getpid()} {child.pid} whole")
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_that_was_started(tmp_path: Path, number: int) -> None:
    pids = tmp_path / "pids"
    process = started(
        *("-m", "clnwire", "check", write_plugin(tmp_path, STUBBORN), "--timeout=50"),
        env={"PIDS": str(pids)},
        has_session=True,
    )
    _until(lambda: pids.is_file() and pids.read_text().endswith("whole"))
    os.killpg(process.pid, number)
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (128 + number, b"", b"")
    _until(lambda: not any(_runs(int(pid)) for pid in pids.read_text().split()[:2]))


def test_nothing_is_left_after_a_check(folder: Path) -> None:
    pids = folder / "pids"
    words = ("-m", "clnwire", "check", write_plugin(folder, STUBBORN), "--timeout=1")
    done = python(*words, PIDS=str(pids), TMPDIR=str(folder))
    assert done.returncode == 1
    assert "CW204" in done.stdout
    _until(lambda: not any(_runs(int(pid)) for pid in pids.read_text().split()[:2]))
    assert not list(folder.glob("clnwire-*"))


def test_a_plugin_that_talks_without_end_is_checked_in_time(tmp_path: Path) -> None:
    body = answering("pass") + (
        "import threading\n"
        "def talk():\n"
        "    while True:\n"
        '        log("again")\n'
        "threading.Thread(target=talk, daemon=True).start()\n"
    )
    # It fails after a minute, in which no check of a plugin that talks without end would end.
    done = clnwire("check", write_plugin(tmp_path, body), "--timeout=5", "--dialect=current")
    assert done.returncode in (0, 1)


def _runs(pid: int) -> bool:
    """A process that has ended and was not fetched does not."""
    if not is_running(pid):
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
