"""What all commands have in common: help, completion, and how they end that cannot go on."""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire.checking import RULES
from clnwire.cli import _group
from tests.cli.pty_screen import on_terminal
from tests.cli.terminal import CLNWIRE, ENV, clnwire, one_line, python, started
from tests.daemon import Daemon

NAMES = _group.names()
WATCHED = (
    "('clnwire.cli.', 'clnwire.host', 'clnwire.captures', 'asyncio', 'psutil', 'rich.progress')"
)
MODULES = f"""
import atexit, sys
atexit.register(lambda: sys.stderr.write(
    repr(sorted(name for name in sys.modules if name.startswith({WATCHED})))
))
import clnwire.cli
clnwire.cli.main()
"""


def imported(*words: str, **env: str) -> tuple[str, list[str]]:
    """What a command line prints, and which of the heavy modules it loads."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES, *words],
        env={**ENV, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found: list[str] = re.findall(r"'([^']+)'", done.stderr.splitlines()[-1])
    return done.stdout, [name for name in found if not name.startswith("clnwire.cli._")]


def completing(line: str) -> dict[str, str]:
    """The environment in which bash asks for the last word."""
    words = line.split(" ")
    return {
        "_CLNWIRE_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }


def completed(line: str) -> list[str]:
    """What bash is offered for the last word."""
    return python("-m", "clnwire", **completing(line)).stdout.split()


def test_the_list_of_commands_imports_none() -> None:
    shown, modules = imported("--help")
    assert all(name in shown for name in NAMES)
    assert modules == []


def test_commands_are_completed_without_being_imported() -> None:
    shown, modules = imported(**completing("clnwire re"))
    found = shown.split()
    assert {"record", "replay"} <= set(found)
    assert all(name.startswith("re") for name in found)
    assert modules == []
    assert set(completed("clnwire ")) == set(NAMES)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("clnwire trace --sum", ["--summary"]),
        ("clnwire trace x --kind no", ["notice", "note"]),
        ("clnwire hook peer_conn", ["peer_connected"]),
        ("clnwire fire chan", ["channel_open_failed", "channel_opened", "channel_state_changed"]),
        ("clnwire run --log-level b", ["broken"]),
        ("clnwire bench x --hook peer_conn", ["peer_connected"]),
        ("clnwire bench x --topic bal", ["balance_snapshot"]),
        (
            "clnwire check --explain CW30",
            [rule.code for rule in RULES if rule.code.startswith("CW30")],
        ),
        ("clnwire call x --notifications no", ["none"]),
        ("clnwire --deb", ["--debug"]),
        # The shell's own names of files.
        ("clnwire replay cap", []),
    ],
)
def test_options_and_their_values_are_completed(line: str, found: list[str]) -> None:
    assert completed(line) == found


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_complete_as_well(shell: str) -> None:
    words = "clnwire hook peer_conn"
    env = {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = python("-m", "clnwire", _CLNWIRE_COMPLETE=f"complete_{shell}", **env)
    assert "peer_connected" in done.stdout


class _Bash:
    """A person at an interactive bash, where completion is turned on."""

    def __init__(self, folder: Path) -> None:
        self._bin = folder / "bin"
        self._bin.mkdir()
        command = self._bin / "clnwire"
        command.write_text(f'#!/bin/sh\nexec {shlex.join(CLNWIRE)} "$@"\n')
        command.chmod(0o755)
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            path = f"{self._bin}:{os.environ['PATH']}"
            # A dumb terminal: no colours, and no bracketed paste.
            env = {**os.environ, "PATH": path, "PS1": "> ", "TERM": "dumb"}
            os.execvpe("bash", ["bash", "--noprofile", "--norc", "-i"], env)
        self.until("> ")
        self.type('eval "$(clnwire --show-completion)"; echo rea""dy\n')
        self.until("ready\r\n> ")

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def until(self, part: str) -> str:
        shown = ""
        while part not in shown:
            data = os.read(self._terminal, 4096)
            assert data, shown
            shown += data.decode()
        return shown

    def close(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)


@pytest.fixture
def bash(tmp_path: Path) -> Iterator[_Bash]:
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    shell = _Bash(tmp_path)
    yield shell
    shell.close()


@pytest.mark.timeout(60)
def test_bash_completes_a_command_and_a_file(bash: _Bash, tmp_path: Path) -> None:
    (tmp_path / "my-capture.jsonl.gz").touch()
    bash.type("clnwire repla\t")
    bash.until("clnwire replay ")
    bash.type("my-cap\t")
    bash.until("my-capture.jsonl.gz ")
    bash.type("--di\t")
    bash.until("--diff ")


ALL = [(name, "") for name in NAMES] + [(name, "replica") for name in _group.names("replica")]
"""Each command, with its group."""


@pytest.fixture(scope="module")
def overviews() -> dict[str, str]:
    """The help that lists the commands, of all and of each group, in one line."""
    return {
        group: " ".join(clnwire(*group.split(), "--help").stdout.replace("│", "").split())
        for group in ("", "replica")
    }


@pytest.mark.parametrize(("name", "group"), ALL)
def test_each_command_says_what_it_is(name: str, group: str, overviews: dict[str, str]) -> None:
    words = [*group.split(), name]
    done = clnwire(*words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Examples" in done.stdout
    assert not re.search(r"<bool>|\{\w|\]\]|list\[", done.stdout.partition(" Examples")[0])
    assert clnwire(*words, "-h").stdout == done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    # Without an import.
    source = Path(str(_group.find_spec(_group._module(name, group)).origin)).read_text()  # type: ignore
    assert _group._SUMMARY.match(source), name
    assert _group.summary(name, group) in overviews[group]


@pytest.mark.parametrize(("name", "group"), ALL)
def test_the_examples_are_command_lines(name: str, group: str) -> None:
    command = _group.load(name, group)
    assert command.examples
    for line, meaning in command.examples:
        program, *words = shlex.split(line)
        assert (program, *words[: 1 + bool(group)]) == ("clnwire", *group.split(), name)
        assert meaning
        settings = command.make_context(name, words[1 + bool(group) :])
        # Only run passes on what it does not know, and a group what its commands get.
        assert name in ("run", "replica") or not settings.args, line


FAILING = """
import sys
import clnwire.cli, clnwire.cli.trace
def fail(*_):
    raise {error}
clnwire.cli.trace.parse_span = fail
clnwire.cli.main()
"""


MISTAKE = "this is a bug in clnwire; for the traceback: clnwire --debug trace ..."


def failing(folder: Path, error: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    program = folder / "failing.py"
    program.write_text(FAILING.replace("{error}", error))
    return python(program, *words, **env)


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (
            "KeyError('x')",
            2,
            f"KeyError: 'x'; {MISTAKE}",
        ),
        ("PermissionError(13, 'Permission denied', 'f')", 2, "f: Permission denied"),
        ("OSError('odd')", 2, "OSError: odd"),
        ("KeyboardInterrupt", 130, "interrupted"),
        ("clnwire.ClnwireError('no')", 2, "no"),
    ],
)
def test_whatever_happens_is_one_line(tmp_path: Path, error: str, status: int, line: str) -> None:
    done = failing(tmp_path, error, "trace", "x")
    assert one_line(done, status) == f"clnwire trace: {line}\n"
    for debugged in (
        failing(tmp_path, error, "--debug", "trace", "x"),
        failing(tmp_path, error, "trace", "x", CLNWIRE_DEBUG="1"),
    ):
        assert debugged.returncode == status
        assert debugged.stderr.startswith("Traceback (most recent call last):\n")
        assert debugged.stderr.endswith(f"clnwire trace: {line}\n")


def test_debug_shows_why_a_command_gave_up() -> None:
    shown = python("-m", "clnwire", "--debug", "trace", "none")
    assert shown.returncode == 2
    assert "CaptureError: none: cannot be read" in shown.stderr
    assert "clnwire.captures" in shown.stderr
    assert "Traceback" not in clnwire("trace", "none").stderr


def test_ctrl_c_ends_quietly(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "slow")
    process = started("-m", "clnwire", "trace", tmp_path / "slow")
    with (tmp_path / "slow").open("w"):
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (130, b"", b"clnwire trace: interrupted\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nix"], "clnwire: there is no command 'nix'; see: clnwire --help"),
        (["cal"], "clnwire: there is no command 'cal'; did you mean 'call'?; see: clnwire --help"),
        (["--nix"], "clnwire: there is no option --nix; see: clnwire --help"),
        (
            ["fire", "--nix"],
            "clnwire fire: there is no option --nix; see: clnwire fire --help",
        ),
        (
            ["call", "--ntwork"],
            "clnwire call: there is no option --ntwork; did you mean '--network'?",
        ),
        (["call"], "clnwire call: Missing argument 'method'; see: clnwire call --help"),
    ],
)
def test_a_wrong_command_line(words: list[str], said: str) -> None:
    # How an argument is spelled depends on typer's version.
    assert one_line(clnwire(*words), 2).lower() == f"{said}\n".lower()


def test_a_value_that_cannot_be() -> None:
    said = one_line(clnwire("replay", "x", "--window", "0", "--", "y"), 2)
    # The reason is typer's, and its wording depends on the version.
    assert said.startswith("clnwire replay: invalid value for '--window': ")
    assert said.endswith("; see: clnwire replay --help\n")


def test_a_running_plugin_imports_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "plugin.py"
    path.write_text(
        "import sys\nfrom clnwire import Plugin\nplugin = Plugin()\n"
        "@plugin.method('loaded')\ndef loaded() -> list[str]:\n    return list(sys.modules)\n"
        "plugin.run()\n"
    )
    daemon = Daemon(path)
    try:
        daemon.start()
        loaded = set(daemon.call("loaded"))
    finally:
        daemon.close()
    assert "clnwire.plugin" in loaded
    unwanted = ("clnwire.cli", "clnwire.captures", "clnwire.program", "typer", "click", "rich")
    assert not [name for name in loaded if name.startswith(unwanted)]


def test_without_words_there_is_help() -> None:
    done = clnwire()
    assert "Usage: clnwire [OPTIONS] COMMAND [ARGS]..." in done.stdout
    assert done.stderr == ""


def test_colours_are_for_terminals() -> None:
    assert "\x1b[" in on_terminal("--help")[1]
    assert "\x1b[" not in clnwire("--help").stdout
