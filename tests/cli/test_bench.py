"""`clnwire bench` as its user sees it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from tests.checking.plugins import calling
from tests.cli.pty_screen import on_terminal
from tests.cli.terminal import ENV, clnwire, one_line, python, short_folder, started
from tests.docs.pages import DOCS, blocks
from tests.docs.session import typed
from tests.host.raw import write_plugin
from tests.load.test_load import assert_gone, until

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs Linux, as the load generator does"
)

folder = pytest.fixture(short_folder)
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
QUICK = ("--rounds=1", "--seconds=0.05")
PEER = 'MANIFEST["hooks"] = ["peer_connected"]\n'
NODE = PEER + (
    'MANIFEST["subscriptions"] = ["connect", "shutdown", "news"]\n'
    'MANIFEST["rpcmethods"] = [{"name": "hello", "usage": "", "description": ""}]\n'
)
DURATION = r"[\d.,]+ (?:µs|ms|s)"
PER_SECOND = r"[\d.,]+/s"
TRIP = rf"{DURATION}  +(?:{DURATION}|–)  +(?:{DURATION}|–)  +{DURATION}  +{PER_SECOND}"


def bench(plugin: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return clnwire("bench", plugin, *QUICK, *words)


def table(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of figures, below the caveats."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n\n")[1].splitlines()


def rows(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What was measured, as JSON has it."""
    assert (done.returncode, done.stderr) == (0, "")
    return list(json.loads(done.stdout)["rows"])


def test_what_a_plugin_has_is_measured(tmp_path: Path) -> None:
    done = bench(write_plugin(tmp_path, NODE))
    head, hook, topic = table(done)
    assert head.split("  ")[-5:] == ["round trip", "99 %", "99.9 %", "CPU", "64 in flight"] or (
        re.fullmatch(r" +round trip +99 % +99\.9 % +CPU +64 in flight", head)
    )
    assert re.fullmatch(rf"hook peer_connected +{TRIP}", hook)
    assert re.fullmatch(rf"topic connect +{DURATION}  +{PER_SECOND}", topic)
    assert len({len(line) for line in (head, hook, topic)}) == 1
    caveats, _, start, notes = done.stdout.split("\n\n")
    assert caveats.startswith("plugin.py: one round of 0.05 s, plugin and load generator on proc")
    assert "events are samples (see --event)" in caveats
    assert re.fullmatch(
        r"from exec to manifest +[\d.]+ ms\n"
        r"memory when it has started +[\d.]+ MB\nmemory at most +[\d.]+ MB",
        start,
    )
    assert notes.splitlines() == [
        "not measured: topic news: there is no sample of it; --topic news --event JSON",
        "not measured: topic shutdown: it ends the plugin",
        "not measured: method hello: nobody knows what it would do; --method hello --params JSON",
    ]


def test_a_db_write_is_measured_in_sizes(tmp_path: Path) -> None:
    """Of a database that has begun: its versions rise by one, and its tables are there."""
    body = """
        import sqlite3
        MANIFEST["hooks"] = ["db_write"]
        database, version = sqlite3.connect("copy"), 0
        def answer(message):
            global version
            params = message["params"]
            assert params["data_version"] == version + 1, (params["data_version"], version)
            version += 1
            for statement in params["writes"]:
                database.execute(statement)
            return {"result": "continue"}
        """
    done = bench(write_plugin(tmp_path, body))
    assert [line.rpartition(" kB")[0] for line in table(done)[1:]] == [
        "db_write, 0.4",
        "db_write, 2.4",
        "db_write, 12",
    ]
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("name", ["hello.py", "replica.py", "webhook.py"])
def test_the_examples(name: str) -> None:
    done = bench(EXAMPLES / name)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_plugin_without_anything_to_ask_is_watched_until_it_rests(tmp_path: Path) -> None:
    body = 'MANIFEST["subscriptions"] = ["*"]\ndef notified(message): time.sleep(0.001)'
    done = bench(write_plugin(tmp_path, body), "--json", "--window=5")
    assert rows(done) == ["topic connect"]
    found = json.loads(done.stdout)["rows"]["topic connect"]
    assert found["one"] is None
    # Without waiting for the handler there would be hundreds of thousands.
    assert 0 < found["many"]["messages_per_second"] < 1000


def test_of_a_plugin_with_methods_alone_the_start_is_measured(tmp_path: Path) -> None:
    body = 'MANIFEST["rpcmethods"] = [{"name": "hello", "usage": "", "description": ""}]\n'
    body += 'def answer(message): raise SystemExit("called")'
    done = bench(write_plugin(tmp_path, body))
    assert (done.returncode, done.stderr) == (0, "")
    assert "from exec to manifest" in done.stdout
    assert "not measured: method hello: " in done.stdout


def test_methods_hooks_and_topics_can_be_chosen(tmp_path: Path) -> None:
    body = NODE + 'def answer(message): return [message["method"], message["params"]]'
    plugin = write_plugin(tmp_path, body)
    assert rows(bench(plugin, "--json", "--hook=peer_connected")) == ["hook peer_connected"]
    assert rows(bench(plugin, "--json", "--topic=connect")) == ["topic connect"]
    hello = ["--method=hello", '--params={"name":"Rusty"}', '--expect=["hello",{"name":"Rusty"}]']
    assert rows(bench(plugin, "--json", *hello)) == ["method hello"]
    both = bench(plugin, "--json", "--method=hello", "--topic=connect", '--expect=["hello",[]]')
    assert rows(both) == ["method hello", "topic connect"]


def test_an_event_is_given_as_json_or_in_a_file(tmp_path: Path) -> None:
    body = """
        MANIFEST["hooks"] = ["custommsg", "db_write"]
        MANIFEST["subscriptions"] = ["news", "connect"]
        def answer(message):
            if message["method"] == "custommsg":
                assert message["params"] == {"payload": "8001ff"}
            elif message["params"]["writes"] == ["x"]:
                assert message["params"]["data_version"] == int(message["id"].split("#")[1])
            return {"result": "continue"}
        def notified(message):
            if message["method"] == "news":
                assert message["params"] == {"text": "Hi"} and message["origin"] == "clnwire"
            else:
                assert message["params"] == {"connect": {"text": "Hi"}}
        """
    plugin = write_plugin(tmp_path, body)
    event = tmp_path / "event.json"
    event.write_text('{"payload": "8001ff"}\n')
    assert rows(bench(plugin, "--json", "--hook=custommsg", "--event", event))
    write = '{"writes":["x"],"data_version":9}'
    assert rows(bench(plugin, "--json", "--hook=db_write", "--event", write)) == ["hook db_write"]
    without_hooks = write_plugin(
        tmp_path, body.replace('["custommsg", "db_write"]', "[]"), "topics.py"
    )
    for topic in ("news", "connect"):
        words = ["--json", f"--topic={topic}", '--event={"text":"Hi"}']
        assert rows(bench(without_hooks, *words)) == [f"topic {topic}"]


def test_options_and_arguments_reach_the_plugin(tmp_path: Path) -> None:
    body = PEER + (
        'MANIFEST["options"] = [{"name": "way", "type": "string", "description": ""},'
        ' {"name": "depth", "type": "int", "default": 3, "description": ""}]\n'
        "assert sys.argv[1:] == ['--quiet']\n"
        "def init(message):\n"
        '    assert message["params"]["options"] == {"way": "up", "depth": 3}, message\n'
        "    return {}\n"
    )
    done = bench(write_plugin(tmp_path, body), "--option", "way=up", "--", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_node_answers_those_that_call_it(tmp_path: Path) -> None:
    answer = 'def answer(message):\n    call()\n    return {"result": "continue"}\n'
    body = calling(PEER + answer)
    assert "hook peer_connected" in bench(write_plugin(tmp_path, body)).stdout


def test_what_a_plugin_writes_to_stderr_or_logs_is_not_in_the_table(tmp_path: Path) -> None:
    body = (
        PEER
        + """
def answer(message):
    sys.stderr.write("x" * 10_000 + "\\n")
    log("y" * 1000, "broken")
    return {"result": "continue"}
"""
    )
    done = bench(write_plugin(tmp_path, body))
    assert len(table(done)) == 2
    assert "xxx" not in done.stdout


FAILING = {
    "dies": ('sys.exit("no disk")', r"the plugin died \(exit status: 1\): .*stderr: no disk"),
    "answers wrongly": ('return send(id="x", result={})', 'wrong reply to "cln:peer_connected#1"'),
    "dies with a backtrace": (
        'sys.exit("thread main panicked at 7:\\nstack:\\n  0: error\\n  at x: error")',
        r"the plugin died .*stderr: thread main panicked at 7:$",
    ),
    "hangs": ("time.sleep(60)", "the plugin says nothing, and was ended"),
    "answers with an error": ('fail(message, 7, "not now")', 'wrong reply .*"not now"'),
}


def test_one_that_bears_one_message_at_a_time_only(tmp_path: Path) -> None:
    body = f"{PEER}messages = lambda: (json.loads(os.read(0, 65536)) for _ in iter(int, 1))"
    line = one_line(bench(write_plugin(tmp_path, body), "--window=7"), 1)
    assert line.startswith("clnwire bench: hook peer_connected, 7 in flight: the plugin died (")
    assert "JSONDecodeError: Extra data: line 3 column 1" in line


@pytest.mark.parametrize(("statement", "said"), FAILING.values(), ids=FAILING)
def test_one_that_fails_is_named_with_what_it_said(
    tmp_path: Path, statement: str, said: str
) -> None:
    body = f"{PEER}def answer(message): {statement}"
    # A start has the same time-out, and takes its time on a busy machine.
    timeout = 3 if "sleep" in statement else 60
    done = bench(write_plugin(tmp_path, body), f"--timeout={timeout}")
    line = one_line(done, 1)
    assert re.match(rf"clnwire bench: hook peer_connected: {said}", line), line


def test_one_that_fails_before_it_is_measured(tmp_path: Path) -> None:
    for body, said in (
        ("sys.exit(3)", r"getmanifest: the plugin died \(exit status: 3\)"),
        ('say("hello\\n{]")', "getmanifest: .* at line 1"),
        ('MANIFEST["hooks"] = ["nix"]', ".*there is no hook 'nix'"),
        (PEER + "def init(message): sys.exit(4)", r"hook peer_connected: init: the plugin died"),
    ):
        line = one_line(bench(write_plugin(tmp_path, body), "--timeout=60"), 1)
        assert re.match(rf"clnwire bench: {said}", line), line


def test_what_cannot_be_measured(tmp_path: Path) -> None:
    """One line that says what to do, and status 2."""
    plugin = write_plugin(tmp_path, NODE)
    folder = tmp_path / "none"
    (tmp_path / "text.md").write_text("x")
    unwilling = write_plugin(tmp_path, 'MANIFEST["disable"] = "no url"', "unwilling.py")
    later = write_plugin(
        tmp_path, PEER + 'def init(message): return {"disable": "no url"}', "later.py"
    )
    for words, said in (
        ([tmp_path / "nothing.py"], "there is no such file"),
        ([tmp_path / "text.md"], "chmod a+x"),
        ([plugin, "--hook=peer_conected"], "did you mean 'peer_connected'?"),
        ([plugin, "--hook=openchannel"], "has no hook 'openchannel'; there is peer_connected"),
        ([plugin, "--topic=disconnect"], "has not subscribed to 'disconnect'; "),
        ([plugin, "--topic=news"], "--topic news --event JSON"),
        ([plugin, "--method=helo"], "did you mean 'hello'?"),
        ([plugin, "--event={}"], "name it with --hook or --topic"),
        ([plugin, "--expect={}"], "name it with --hook or --method"),
        ([plugin, "--params=[]"], "name it with --method"),
        ([plugin, "--method=hello", "--params=["], "--params: not JSON"),
        ([plugin, "--hook=peer_connected", "--event=[x]"], "--event: not JSON"),
        ([plugin, "--hook=peer_connected", "--event=nowhere"], "nowhere: No such file"),
        ([plugin, "--core=1000"], "--core must be none or one of "),
        ([plugin, "--option=x=1"], "there is no such option"),
        ([plugin, "--save", folder / "x"], "there is no folder"),
        ([plugin, "--save", tmp_path], "is a folder"),
        ([plugin, "--plot", folder / "x.svg"], "there is no folder"),
        ([plugin, "--plot=x.png"], "ends in .svg, not x.png"),
        ([plugin, "--compare", folder], "cannot be read: No such file"),
        ([plugin, "--compare", plugin], "nothing that clnwire bench --save has written"),
        ([unwilling], "the plugin does not want to run: no url"),
        ([later], 'the plugin does not want to run: "no url"'),
        ([plugin, "--rounds=0"], "clnwire bench --help"),
    ):
        line = one_line(clnwire("bench", *words), 2)
        assert said in line, (words, line)
    report = json.loads(clnwire("bench", "nothing.py", "--json").stdout)
    assert (report["ok"], list(report)) == (False, ["ok", "error"])


def test_without_matplotlib(tmp_path: Path) -> None:
    code = "import sys; sys.modules['matplotlib'] = None; import clnwire.cli; clnwire.cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "bench", write_plugin(tmp_path, PEER), "--plot=x.svg"],
        env=ENV,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "--plot needs matplotlib: pip install 'clnwire[plot]'" in one_line(done, 2)


def test_results_are_kept_and_compared(tmp_path: Path) -> None:
    plugin, kept = write_plugin(tmp_path, NODE), tmp_path / "kept.json"
    assert "×" not in bench(plugin, "--save", kept).stdout
    before = json.loads(kept.read_text())
    assert set(before["rows"]) == {"hook peer_connected", "topic connect"}
    before["rows"]["hook peer_connected"]["one"]["p50_us"] /= 1000
    del before["rows"]["topic connect"]
    kept.write_text(json.dumps(before))
    done = bench(plugin, "--compare", kept, "--window=10")
    _, hook, topic = table(done)
    trip, *_, throughput = re.findall(r"\((\d+\.\d\d)×\)", hook)
    assert float(trip) > 100
    assert 0.01 < float(throughput) < 100
    assert "×" not in topic
    compared = json.loads(bench(plugin, "--compare", kept, "--json").stdout)["ratios"]
    assert list(compared) == ["hook peer_connected"]
    assert compared["hook peer_connected"]["one"]["p50_us"] > 100
    assert 0.01 < compared["hook peer_connected"]["many"]["processor_us"] < 100
    assert "in brackets: new ÷ old, of plugin.py on " in done.stdout
    assert "which was measured in another way" in done.stdout
    printed = bench(plugin, "--json").stdout
    kept.write_text(printed)
    assert "in brackets" in bench(plugin, "--compare", kept).stdout
    before["format"] = 99
    kept.write_text(json.dumps(before))
    assert "format 99" in one_line(bench(plugin, "--compare", kept), 2)


def test_a_plot_has_all_that_was_measured(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib: the extra clnwire[plot]")
    plugin, kept = write_plugin(tmp_path, NODE), tmp_path / "kept.json"
    bench(plugin, "--save", kept)
    picture = tmp_path / "bench.svg"
    done = bench(plugin, "--plot", picture, "--compare", kept)
    assert (done.returncode, done.stderr) == (0, "")
    found = ElementTree.fromstring(picture.read_text()).iter("{http://www.w3.org/2000/svg}text")
    texts = ["".join(element.itertext()).strip() for element in found]
    assert texts.count("hook peer_connected") == texts.count("hook peer_connected, before") == 2
    assert {"topic connect", "plugin.py", "plugin.py, before"} <= set(texts)


def test_a_bar_shows_how_far_it_is(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path, PEER)
    status, shown = on_terminal("bench", plugin, "--rounds=2", "--seconds=0.05")
    assert status == 0
    assert "measuring plugin.py" in shown
    assert "50%" in shown
    assert "measuring" not in bench(plugin).stderr


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupt_ends_all_that_was_started(folder: Path, number: int, status: int) -> None:
    body = (
        PEER
        + """
import signal, subprocess
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
def answer(message):
    child = subprocess.Popen(["sleep", "60"])
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    time.sleep(60)
"""
    )
    pids = folder / "pids"
    process = started(
        *("-m", "clnwire", "bench", write_plugin(folder, body), "--timeout=50", "--", pids),
        env={"TMPDIR": str(folder)},
        has_session=True,
    )
    until(pids.exists)
    os.killpg(process.pid, number)
    output, errors = process.communicate(timeout=20)
    said = b"clnwire bench: interrupted\n" if number == signal.SIGINT else b""
    assert (process.returncode, output, errors) == (status, b"", said)
    assert_gone(pids)
    assert not list(folder.glob("clnwire-*"))


def test_nothing_is_left_after_it(folder: Path) -> None:
    words = ("bench", write_plugin(folder, PEER), *QUICK)
    assert python("-m", "clnwire", *words, TMPDIR=str(folder)).returncode == 0
    assert not list(folder.glob("clnwire-*"))


def test_a_percentile_that_says_nothing_is_not_shown(tmp_path: Path) -> None:
    body = f"{PEER}def answer(message):\n    time.sleep(0.002)\n    return {{'result': 'continue'}}"
    (_, hook) = table(bench(write_plugin(tmp_path, body)))
    assert re.fullmatch(
        rf"hook peer_connected +{DURATION}  +–  +–  +{DURATION}  +{PER_SECOND}", hook
    )


def test_what_the_page_shows(tmp_path: Path) -> None:
    """docs/performance.md, but for the figures and the machine."""
    page = DOCS / "performance.md"
    (plugin,) = (block for block in blocks(page, "python") if block.file == "guard.py")
    (console,) = blocks(page, "console")
    (tmp_path / "guard.py").write_text(plugin.text)
    ((command, shown),) = typed(console.text)
    done = clnwire(*command.split()[1:], "--rounds=2", "--seconds=0.05", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert shape(done.stdout) == shape(shown)


def shape(text: str) -> list[str]:
    # A busy machine measures too few messages for 99.9 %.
    text = text.replace("–", "0 µs")
    lines = [re.sub(r"[\d.,]+", "0", " ".join(line.split())) for line in text.splitlines()]
    return lines[:1] + lines[2:]
