"""Each rule is broken by a real little plugin, and by no other."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from clnwire.checking import RULES, Limits, Report, Target, check
from clnwire.checking.file import obstacles
from clnwire.checking.finding import summary
from clnwire.checking.methods import required_parameters
from clnwire.host.config import ConfigError, parse_words
from clnwire.host.rules.dialect import Name
from tests.checking.plugins import BROKEN, Broken, method
from tests.host.raw import write_plugin

LIMITS = Limits(timeout=20, slow_start=60, slow_hook=60)
HANGING = Limits(timeout=2, slow_start=60, slow_hook=60)
"""For plugins that do not answer or end."""
CALLED = ("CW607", "CW608", "CW609")
"""The rules for methods that are called."""
SPECIAL = {
    "CW207": Limits(timeout=20, slow_start=1, slow_hook=60),
    "CW306": Limits(timeout=20, slow_start=60, slow_hook=0.2),
}


def checked(
    path: Path,
    *options: str,
    limits: Limits = LIMITS,
    dialects: Sequence[Name] = ("current", "2019"),
    calls: Mapping[str, bytes | None] | None = None,
) -> Report:
    target = Target(path, options=parse_words(options), calls=calls or {})
    return asyncio.run(check(target, dialects, limits))


@pytest.mark.promise(
    "a plugin breaks a rule of `clnwire check`",
    "each rule is broken by a real plugin, and found",
)
@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.code)
def test_a_plugin_that_breaks_one_rule(tmp_path: Path, broken: Broken) -> None:
    limits = SPECIAL.get(broken.code, HANGING if broken.hangs else LIMITS)
    path = write_plugin(tmp_path, broken.body)
    calls = {"mine": None} if broken.code in CALLED else None
    report = checked(path, limits=limits, dialects=broken.checked_in, calls=calls)
    found = {(finding.rule.code, finding.where): finding for finding in report.findings}
    assert (broken.code, broken.where) in found, report
    finding = found[broken.code, broken.where]
    assert broken.words in finding.message + finding.excerpt
    assert finding.dialects == (broken.dialects or finding.dialects)
    assert {code for code, _ in found} - set(broken.others) == {broken.code}, report


def _not_executable(path: Path) -> None:
    path.chmod(0o644)


def _first_line(path: Path, line: str) -> None:
    path.write_text(f"{line}\n{path.read_text().partition(chr(10))[2]}", newline="")


def _bare_python(path: Path) -> None:
    """A Python without packages; the plugin imports clnwire, though it does not run that line."""
    python = path.parent / "python3"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    python.chmod(0o755)
    _first_line(path, f"#!{python}")


FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "CW801": (_not_executable, "it is not executable: chmod +x "),
    "CW802": (lambda path: _first_line(path, ""), "must be #! and an interpreter"),
    "CW803": (lambda path: _first_line(path, f"#!{sys.executable}\r"), "sed -i 's/\\r$//' "),
    "CW804": (lambda path: _first_line(path, "#!/no/python3"), "names '/no/python3', which is not"),
    "CW805": (_bare_python, f"has no clnwire; this Python has: #!{sys.executable}"),
}
"""What breaks a rule for the file, and part of the message."""


@pytest.mark.parametrize("code", FILES)
def test_a_file_that_the_daemon_cannot_start(tmp_path: Path, code: str) -> None:
    spoil, words = FILES[code]
    path = write_plugin(tmp_path, "def never():\n    import clnwire\n")
    spoil(path)
    report = checked(path)
    (finding,) = report.findings
    assert (finding.rule.code, finding.where) == (code, "file")
    assert finding.dialects == ("current", "2019")
    assert words in finding.message
    # Another Python runs a `.py` that is not executable, and finds what else there is.
    runs = code in ("CW801", "CW805")
    assert report.dialects == (["current", "2019"] if runs else [])
    assert report.notes == ([] if runs else ["not started, as the daemon cannot start it either"])


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("#!/usr/bin/env no-such-python", "'no-such-python'"),
        ("#!/usr/bin/env -S no-such-python -u", "'no-such-python'"),
        ("#!/usr/bin/env -S A=1 no-such-python", "'no-such-python'"),
        ("#!python3", "'python3'"),
        ("#!", "''"),
        ("#!/usr/bin/env -S 'no-such-python", "no-such-python"),
        ("#!/usr/bin/env -S PATH=/nowhere sh", "'sh'"),
        ("#!/" + "a" * 5000, f"'/{'a' * 79}'"),
        ("\ufeff#!/usr/bin/env python3", "byte order mark"),
    ],
)
def test_a_first_line_that_finds_nothing(tmp_path: Path, line: str, word: str) -> None:
    path = write_plugin(tmp_path, "")
    _first_line(path, line)
    (finding,) = obstacles(path)
    assert word in finding.message


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels split the arguments")
def test_env_gets_one_argument_without_s(tmp_path: Path) -> None:
    path = write_plugin(tmp_path, "")
    _first_line(path, "#!/usr/bin/env sh -u")
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run([path], check=True, capture_output=True)
    (finding,) = obstacles(path)
    assert finding.message.endswith("'sh -u', which is not there; env -S takes several words")


@pytest.mark.parametrize(
    "line",
    [
        "#!/bin/sh",
        "#!/usr/bin/env sh",
        "#!/usr/bin/env\tsh",
        "#! /usr/bin/env -S sh -e",
        "#!/usr/bin/env -Ssh -e",
        "#!/usr/bin/env -S 'sh' -e",
        "#!/usr/bin/env --split-string=sh -e",
        "#!/usr/bin/env -vS -u HOME -C /tmp A=1 sh",
        f"#!/usr/bin/env -S PATH={Path(sys.executable).parent} {Path(sys.executable).name}",
    ],
)
def test_a_first_line_that_finds_its_interpreter(tmp_path: Path, line: str) -> None:
    path = write_plugin(tmp_path, "")
    _first_line(path, line)
    assert obstacles(path) == []


def test_a_binary_needs_no_first_line() -> None:
    assert obstacles(Path("/bin/sh").resolve()) == []


def test_each_rule_is_broken_by_a_plugin() -> None:
    broken = [*(broken.code for broken in BROKEN), *FILES]
    assert broken == [rule.code for rule in RULES]


RAISING = """
MANIFEST["hooks"] = ["peer_connected"]
def answer(message):
    try:
        {}["a"]
    except KeyError:
        raise ValueError("none") from None if CLEAN else sys.exc_info()[1]
"""


def test_a_whole_traceback_is_shown(tmp_path: Path) -> None:
    path = write_plugin(tmp_path, f"CLEAN = False{RAISING}")
    (finding,) = checked(path, dialects=("current",)).findings
    assert finding.message.endswith("its stderr ends with: ValueError: none")
    lines = finding.traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "KeyError: 'a'" in lines
    assert lines[-1] == "ValueError: none"
    assert sum(line == lines[0] for line in lines) == 2


GROUP = f"""#!{sys.executable}
from clnwire import Plugin
plugin = Plugin()
@plugin.method("mine")
def mine():
    raise ExceptionGroup("several", [ValueError("first"), KeyError("second")])
plugin.run()
"""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs Python's exception groups")
def test_a_group_of_exceptions_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "group.py"
    path.write_text(GROUP)
    path.chmod(0o755)
    (finding,) = checked(path, dialects=("current",), calls={"mine": None}).findings
    assert finding.rule.code == "CW609"
    assert "+" not in finding.message
    assert "    | ValueError: first" in finding.traceback.splitlines()
    assert "    | KeyError: 'second'" in finding.traceback.splitlines()


def test_a_syntax_error_is_shown_with_its_line(tmp_path: Path) -> None:
    path = write_plugin(tmp_path, "def a(:\n")
    (finding,) = checked(path, dialects=("current",)).findings
    lines = finding.traceback.splitlines()
    assert f'File "{path}", line ' in lines[0]
    assert lines[1].strip() == "def a(:"
    assert lines[-1].startswith("SyntaxError: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("boom: none\n{}ValueError: none", "boom: none"),
        ("boom\n{}ValueError: none", "boom: ValueError: none"),
        ("boom\n{}KeyboardInterrupt", "boom: KeyboardInterrupt"),
        ("{}ValueError: none\n", "ValueError: none"),
        ("boom", "boom"),
    ],
)
def test_a_failure_in_one_line(text: str, line: str) -> None:
    frames = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n'
    assert summary(text.format(frames)) == line


def test_a_usage_with_any_number_of_parameters() -> None:
    assert required_parameters("a [b] [rest ...] [named-rest ...]") == ["a"]
    assert required_parameters("a rest ...") is None


def test_a_method_that_refuses_made_up_parameters(tmp_path: Path) -> None:
    body = """
    MANIFEST["rpcmethods"] = [{"name": "mine", "usage": "peer_id scid n mode:a|b",
                               "description": ""}]
    def handle(message, handle=handle):
        if message["method"] != "mine":
            return handle(message)
        params = message["params"]
        assert params["scid"] == "1x1x1" and len(params["peer_id"]) == 66
        assert params["mode"] == "a"
        if params["n"] == 1:
            return fail(message, -32602, "n must be above 1")
        reply(message, {})
    """
    path = write_plugin(tmp_path, body)
    made_up = checked(path, dialects=("current",), calls={"mine": None})
    assert made_up.findings == []
    (note,) = made_up.notes
    assert "n must be above 1; give it others: --call 'mine={...}'" in note
    params = b'{"peer_id":"%b","scid":"1x1x1","n":2,"mode":"a"}' % (66 * b"0")
    given = checked(path, dialects=("current",), calls={"mine": params})
    assert (given.findings, given.notes) == ([], [])


def test_a_method_that_is_not_there(tmp_path: Path) -> None:
    path = write_plugin(tmp_path, method("pass"))
    with pytest.raises(ConfigError, match=r"there is no method 'mien'; did you mean 'mine'\?"):
        checked(path, calls={"mien": None})


SILENT = f"""#!{sys.executable}
from clnwire import Plugin

plugin = Plugin()

async def look(event: object) -> None: ...

@plugin.subscribe("connect")
def on_connect(event: object) -> object:
    return look(event)

plugin.run()
"""


def test_a_subscription_that_awaits_nothing_is_found(tmp_path: Path) -> None:
    path = tmp_path / "silent.py"
    path.write_text(SILENT)
    path.chmod(0o755)
    findings = {
        (finding.rule.code, finding.where): finding.message
        for finding in checked(path, dialects=("current",)).findings
    }
    assert "returned a coroutine: `await` is missing" in findings["CW406", "topic connect"]


def test_a_failure_that_takes_its_time_is_found(tmp_path: Path) -> None:
    body = """
    import time
    MANIFEST["subscriptions"] = ["connect"]
    def notified(message):
        while time.process_time() < 0.8:
            pass
        message["params"]["name"]
    """
    report = checked(write_plugin(tmp_path, body), dialects=["current"])
    assert [finding.where for finding in report.findings if finding.rule.code == "CW405"] == [
        "topic connect"
    ]
