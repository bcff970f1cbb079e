"""The pytest plugin as others have it: whole runs of pytest, each in a process and a folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from _pytest.config import default_plugins

from tests.forked import Preloaded
from tests.testing import author
from tests.testing.test_docs import ASYNC_TESTS

Run: TypeAlias = "Callable[..., subprocess.CompletedProcess[str]]"

_PRELOADED = Preloaded("pytest", *(f"_pytest.{name}" for name in default_plugins))

BAD = """
import os, sys
from clnwire import Plugin
plugin = Plugin()
@plugin.method("crash")
def crash():
    print("the disk is full", file=sys.stderr, flush=True)
    os._exit(5)
plugin.run()
"""


@pytest.fixture
def run_pytest(tmp_path: Path) -> Run:
    """Runs a test file, with no other plugins than those asked for."""

    def run(source: str, *words: str, autoload: bool = False) -> subprocess.CompletedProcess[str]:
        head = f"AUTHOR = {author.__file__!r}\n"
        (tmp_path / "test_it.py").write_text(head + textwrap.dedent(source))
        (tmp_path / "pytest.ini").touch()
        argv = ["-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *words]
        env = dict(os.environ)
        if not autoload:
            env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        process = _PRELOADED.start(argv, cwd=tmp_path, env=env)
        output, errors = process.communicate(timeout=90)
        return subprocess.CompletedProcess(argv, process.wait(), output.decode(), errors.decode())

    return run


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """`{"passed": 2, …}`, from the last line."""
    last = done.stdout.rstrip().rpartition("\n")[2]
    assert " in " in last, done.stdout + done.stderr
    return {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|error)", last)}


def test_it_imports_next_to_nothing(run_pytest: Run) -> None:
    """In a test run that has nothing to do with clnwire."""
    script = """
        import sys, pytest
        before = set(sys.modules)
        import pytest_clnwire
        print(sorted(set(sys.modules) - before))
        """
    argv = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    assert subprocess.check_output(argv, text=True) == "['pytest_clnwire']\n"
    done = run_pytest(
        """
        import sys

        def test_what_is_there(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("clnwire")
            heavy = {"asyncio", "clnwire", "msgspec", "uvloop"}
            assert not heavy & {name.partition(".")[0] for name in sys.modules}
        """,
        "-p",
        "clnwire",
    )
    assert outcomes(done) == {"passed": 1}


def test_a_failure_shows_the_traffic(run_pytest: Run) -> None:
    done = run_pytest(
        """
        def test_fails(run_plugin, clnwire_host):
            clnwire_host.answer("listfunds", {"outputs": []})
            plugin = run_plugin(AUTHOR)
            plugin.call("hello", ["you"])
            plugin.call("hello", ["x" * 10_000])
            plugin.call("balance")
            assert 0

        def test_passes(run_plugin):
            assert run_plugin(AUTHOR).call("hello", ["nobody"])
        """,
        "-p",
        "clnwire",
    )
    assert outcomes(done) == {"failed": 1, "passed": 1}
    assert done.stdout.count("clnwire traffic") == 1
    shown = done.stdout.partition("clnwire traffic")[2]
    for pattern in (
        r'→ author\.py  hello "cln:hello#3"  \["you"\]\n',
        r"← author\.py  log debug  hello you\n",
        r'← author\.py  result "cln:hello#3"  "Hello you"\n',
        r'← \(socket\)   listfunds "[^"]*"  {}\n',
        r'→ \(socket\)   result "[^"]*"  {"outputs":\[\]}\n',
    ):
        assert re.search(pattern, shown), shown
    assert "nobody" not in shown
    assert max(map(len, shown.splitlines())) < 400, "a large message is cut"
    assert re.search(r"x… \(100\d\d bytes\)\n", shown)


def test_a_failure_begins_with_the_useful_line(run_pytest: Run, tmp_path: Path) -> None:
    """The test's own line and what happened: no helper's frame, and the messages once."""
    (tmp_path / "bad.py").write_text(BAD)
    done = run_pytest(
        """
        import asyncio
        from clnwire.hooks import PeerConnected
        from clnwire.testing import sample

        def test_late(run_plugin):
            plugin = run_plugin(AUTHOR)
            plugin.call("slow", timeout=0.05)  # line

        def test_pending(run_plugin):
            plugin = run_plugin(AUTHOR)
            plugin.start_call("slow").result(0.05)  # line

        def test_awaited(run_plugin_async):
            async def run():
                plugin = await run_plugin_async(AUTHOR)
                await plugin.call("slow", timeout=0.05)  # line
            asyncio.run(run())

        def test_log(run_plugin):
            plugin = run_plugin(AUTHOR)
            plugin.wait_for_log("never", timeout=0.05)  # line

        def test_topic(run_plugin):
            plugin = run_plugin(AUTHOR)
            plugin.wait_for_topic("news", timeout=0.05)  # line

        def test_dead(run_plugin):
            plugin = run_plugin("bad.py")
            plugin.start_call("crash")
            plugin.wait_for_call("pay", timeout=60)  # line

        def test_refused(run_plugin):
            plugin = run_plugin(AUTHOR)
            plugin.call("hello", [1, 2, 3])  # line

        def test_nobody(run_plugin):
            plugin = run_plugin(AUTHOR)
            plugin.hook("openchannel")  # line

        def test_answer(clnwire_host):
            clnwire_host.run(clnwire_host.host.call("nothing"))  # line

        def test_sample():
            sample(PeerConnected, peer={"adr": ""})  # line
        """,
        "-p",
        "clnwire",
    )
    assert outcomes(done) == {"failed": 10}
    start, _, summary = done.stdout.partition("short test summary info")
    failures = re.split(r"^_{3,} test_\w+ _{3,}$", start, flags=re.MULTILINE)[1:]
    for failure in failures:
        shown, _, traffic = failure.partition("- clnwire traffic -")
        assert re.search(
            r"^> .*  # line\n( +\^+\n)?E +\S*(Error|Died)\S*: ", shown, re.MULTILINE
        ), failure
        # Nothing of clnwire, concurrent.futures or asyncio, but asyncio.run itself.
        frames = re.findall(r"^(\S+\.py):\d+: ", shown, re.MULTILINE)
        foreign = [name for name in frames if name != "test_it.py"]
        assert not foreign or "run_plugin_async" in shown, failure
        assert all("/asyncio/" in name for name in foreign), failure
        assert "→" not in shown, failure
        assert len(re.findall(r"→ \S+ +getmanifest", traffic)) <= 1, failure
    for name, error in (
        ("late", "TimeoutError: 'slow' was not answered within 0.05 s"),
        ("log", "TimeoutError: 'author.py' logged nothing with 'never' within 0.05 s"),
        ("dead", "clnwire.host.errors.PluginDiedError: plugin 'bad.py' exited with status 5"),
        ("sample", "clnwire.errors.UsageError: PeerConnected.peer has no member 'adr'"),
    ):
        assert f"test_it.py::test_{name} - {error}"[:60] in summary
        assert f"E       {error}" in start
    assert "E       The end of its stderr:\nE       the disk is full\n" in start


def test_async_tests(run_pytest: Run, tmp_path: Path) -> None:
    """The fixture is a plain one: whatever runs the test's coroutine gives it its loop."""
    (tmp_path / "conftest.py").write_text(ASYNC_TESTS)
    done = run_pytest(
        """
        import asyncio

        async def test_it(run_plugin_async):
            plugin = await run_plugin_async(AUTHOR)
            answers = await asyncio.gather(*(plugin.call("hello", [name]) for name in "ab"))
            assert answers == ["Hello a", "Hello b"]
        """,
        "-p",
        "clnwire",
    )
    assert outcomes(done) == {"passed": 1}


def test_a_setup_that_fails_shows_it_too(run_pytest: Run) -> None:
    done = run_pytest(
        """
        import pytest

        @pytest.fixture
        def plugin(run_plugin):
            return run_plugin(AUTHOR, {"no-such-option": 1})

        def test_it(plugin): pass
        """,
        "-p",
        "clnwire",
    )
    assert outcomes(done) == {"error": 1}
    assert "no-such-option" in done.stdout
    assert "→ author.py  getmanifest" in done.stdout


def test_a_plugin_that_does_not_end_well_fails_its_test(run_pytest: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(
        "from clnwire import Plugin\n"
        "plugin = Plugin()\n"
        "@plugin.on_shutdown\n"
        "def bye(): raise SystemExit(4)\n"
        "plugin.method('m')(lambda: None)\n"
        "plugin.run()\n"
    )
    done = run_pytest(
        """
        def test_end(run_plugin):
            run_plugin("bad.py")

        def test_expected(run_plugin):
            assert run_plugin("bad.py").hang_up() == 4

        def test_own_failure(run_plugin):
            run_plugin("bad.py")
            raise ValueError("mine")
        """,
        "-p",
        "clnwire",
    )
    assert outcomes(done) == {"passed": 2, "failed": 1, "error": 2}
    assert "\nplugin 'bad.py' exited with status 4\n" in done.stdout
    assert "def clnwire_host" not in done.stdout
    assert "ValueError: mine" in done.stdout


def test_switched_off(run_pytest: Run) -> None:
    source = """
        def test_plain(): pass

        def test_needs_it(run_plugin): pass
        """
    assert outcomes(run_pytest(source, autoload=True)) == {"passed": 2}
    done = run_pytest(source, "-p", "no:clnwire", autoload=True)
    assert outcomes(done) == {"passed": 1, "error": 1}
    assert "fixture 'run_plugin' not found" in done.stdout


def test_the_ini_option_and_the_settings(run_pytest: Run) -> None:
    source = """
        import pytest

        @pytest.fixture
        def clnwire_settings():
            return {"network": "signet"}

        def test_it(run_plugin, clnwire_host):
            assert clnwire_host.patience == 0.5
            plugin = run_plugin(AUTHOR)
            with pytest.raises(TimeoutError, match="within 0.5 s"):
                plugin.call("slow")
            assert clnwire_host.call("getinfo")["network"] == "signet"
        """
    done = run_pytest(source, "-p", "clnwire", "-o", "clnwire_patience=0.5")
    assert outcomes(done) == {"passed": 1}
    done = run_pytest(source, "-p", "clnwire", "-o", "clnwire_patience=soon")
    assert "clnwire_patience: 'soon' is not a number of seconds" in done.stdout


def test_in_parallel(run_pytest: Run) -> None:
    pytest.importorskip("xdist", reason="needs the group test: pytest-xdist")
    done = run_pytest(
        """
        import pytest

        @pytest.mark.parametrize("name", "abcdefgh")
        def test_it(run_plugin, name):
            plugin = run_plugin(AUTHOR, {"greeting": name})
            assert plugin.call("hello") == f"Hello {name}"
            assert name != "c"
        """,
        "-p",
        "clnwire",
        "-p",
        "xdist",
        "-n2",
    )
    assert outcomes(done) == {"failed": 1, "passed": 7}
    assert '← author.py  result "cln:hello#3"  "Hello c"' in done.stdout


def test_interrupted_it_leaves_nothing(run_pytest: Run, tmp_path: Path) -> None:
    """Neither processes nor directories nor a hanging thread, when Ctrl-C comes while it waits."""
    done = run_pytest(
        """
        import os, signal, threading
        from clnwire.testing import NEVER

        def test_it(run_plugin, clnwire_host):
            plugin = run_plugin(AUTHOR)
            with open("left", "w") as file:
                file.write(f"{plugin.pid} {clnwire_host.host.rpc_path}")
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            plugin.call("slow")
            plugin.call("slow")
        """,
        "-p",
        "clnwire",
    )
    assert "KeyboardInterrupt" in done.stdout
    pid, path = (tmp_path / "left").read_text().split()
    assert not Path(path).parent.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_its_hooks_are_of_a_form_that_old_pluggy_knows() -> None:
    """pluggy before 1.2 (pytest 7.2) ends every run of pytest at the word `wrapper`."""
    import pytest_clnwire

    made = [
        vars(each).get("pytest_impl")
        for each in vars(pytest_clnwire).values()
        if callable(each) and hasattr(each, "__dict__")
    ]
    options = [each for each in made if each is not None]
    assert any(each["hookwrapper"] for each in options)
    assert not any(each.get("wrapper") for each in options)
