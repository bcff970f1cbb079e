"""The load generator measures right plugins of any kind, and no wrong one."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pytest
from benches.suite.peers import cargo_build

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs Linux, as the load generator does"
)

# Answers as told: `reply(request)` gives the text of a reply, or nothing.
PLUGIN = """
import json, os, sys

MANIFEST = {{"options": [], "rpcmethods": [], "hooks": {hooks}, "nonnumericids": True}}
decoder, text = json.JSONDecoder(), ""

def right(request, result):
    return json.dumps({{"jsonrpc": "2.0", "id": request["id"], "result": result}})

def reply(request):
    {reply}

while chunk := os.read(0, 65536):
    text = (text + chunk.decode()).lstrip()
    while text:
        try:
            request, end = decoder.raw_decode(text)
        except ValueError:
            break
        text = text[end:].lstrip()
        if request["method"] in ("getmanifest", "init"):
            answer = right(request, MANIFEST)
        elif "id" in request:
            answer = reply(request)
        if "id" in request and answer:
            print(answer, flush=True)
"""
CONTINUE = 'return right(request, {"result": "continue"})'


@pytest.fixture(scope="session")
def load():
    return cargo_build("clnwire-load")


@pytest.fixture
def run(load, tmp_path):
    def run(reply: str, *words: object, hooks: str = '["db_write"]'):
        plugin = tmp_path / "plugin.py"
        plugin.write_text(PLUGIN.format(reply=reply, hooks=hooks))
        options = ["--count", "50", "--warm-up", "10", "--patience", "5", *map(str, words)]
        return subprocess.run(
            [load, *options, "--", sys.executable, plugin],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def measured(done: subprocess.CompletedProcess[str]) -> dict[str, float]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("load: ")]
    return line.removeprefix("load: ")


@pytest.mark.parametrize("mode", ["one", "window", "flood"])
def test_every_mode_measures(run, mode):
    report = measured(run(CONTINUE, "--payload", "db-write", "--mode", mode, "--window", 10))
    assert report["messages"] == 50
    assert report["mode"] == mode
    assert report["exit"] == "exit status: 0"
    assert 0 < report["latency_us"]["p50"] <= report["latency_us"]["p99.9"]
    for figure in (
        "messages_per_second",
        "megabytes_per_second",
        "processor_us_per_message",
        "exec_to_manifest_ms",
    ):
        assert report[figure] > 0, figure
    assert report["peak_memory_kb"] >= report["idle_peak_memory_kb"] > 1000


def test_a_message_larger_than_the_pipe(run):
    report = measured(run(CONTINUE, "--payload", "db-write", "--size", 1_000_000, "--count", 2))
    assert report["megabytes_per_second"] * report["messages"] > 0
    assert report["messages"] == 2


def test_any_hook_or_method_can_be_asked(run):
    words = ["--payload", "request", "--method", "mine", "--params", '{"say": "yes"}']
    echo = 'return right(request, [request["method"], request["params"]])'
    expected = ["--expect", '["mine", {"say": "yes"}]']
    assert measured(run(echo, *words, *expected))["messages"] == 50
    assert measured(run(echo, *words))["messages"] == 50
    assert "wrong reply" in complaint(run(echo, *words, "--expect", '["mine", {"say": "no"}]'))


def test_options_reach_the_plugin(load, tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "from clnwire import Plugin\nplugin = Plugin()\n"
        "word = plugin.option('word', 'none', description='A word')\n"
        "@plugin.method('say')\ndef say() -> str:\n    return word.value\nplugin.run()\n"
    )
    words = ["--payload", "request", "--method", "say", "--params", "[]", "--expect", '"hi"']
    command = [load, *words, "--options", '{"word": "hi"}', "--", sys.executable, plugin]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert measured(done)["messages"] == 2000


def test_a_recordings_requests_are_those_for_the_plugins_hooks(run, tmp_path):
    frames = [
        ("in", {"id": "cln:db_write#1", "method": "db_write", "params": {"writes": []}}),
        ("out", {"id": "cln:db_write#1", "result": {"result": "continue"}}),
        ("in", {"id": "cln:htlc_accepted#2", "method": "htlc_accepted", "params": {}}),
        ("in", {"method": "db_write", "params": {}}),
    ]
    lines = [json.dumps({"dir": way, "frame": json.dumps(frame)}) for way, frame in frames]
    lines.append(json.dumps({"dir": "in", "frame": '{"method":"init","id":"1","params":[0x10]}'}))
    recording = tmp_path / "recording.jsonl.gz"
    recording.write_bytes(gzip.compress("\n".join(lines).encode()))
    words = ["--payload", "capture", "--capture", recording, "--count", 3]
    only = 'assert request["method"] == "db_write"; ' + CONTINUE
    assert measured(run(only, *words, "--expect", '{"result":"continue"}'))["messages"] == 3
    other = complaint(run(CONTINUE, *words, hooks='["custommsg"]'))
    assert "none of its requests is for a hook of this plugin" in other


WRONG = {
    "another id": 'return right({"id": "x"}, {"result": "continue"})',
    "another result": 'return right(request, {"result": "stop"})',
    "an error": 'return json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": {"code": 1}})',
    "no version": 'return json.dumps({"id": request["id"], "result": {"result": "continue"}})',
    "wrong later": 'return right(request, {"result": "stop" if "#40" in request["id"] else '
    '"continue"})',
}


@pytest.mark.parametrize("mode", ["one", "window"])
@pytest.mark.parametrize("reply", WRONG.values(), ids=WRONG)
def test_a_wrong_reply_ends_the_run(run, reply, mode):
    done = run(reply, "--payload", "db-write", "--mode", mode, "--window", 4)
    assert complaint(done).startswith("wrong reply")


def test_a_second_reply_ends_the_run(run):
    twice = 'return "\\n".join([right(request, {"result": "continue"})] * 2)'
    done = run(twice, "--payload", "db-write", "--mode", "window", "--window", 4)
    assert complaint(done).startswith("wrong reply, which nothing waits for: ")


def test_one_that_dies_is_reported_with_its_status(run):
    done = run("sys.exit(3)", "--payload", "db-write")
    assert complaint(done) == "the plugin died (exit status: 3): it closed its stdout"


def test_one_that_says_nothing_is_given_up(run):
    done = run("return None", "--payload", "db-write", "--patience", 0.5)
    assert complaint(done) == "the plugin says nothing, and was ended"


def test_one_that_talks_meanwhile_holds_nothing_up(run):
    # More log lines than a pipe holds, while a request comes that is larger than a pipe.
    line = '{"jsonrpc": "2.0", "method": "log", "params": {"message": "' + "x" * 1000 + '"}}'
    talk = f"[print({line!r}) for _ in range(300)]; " + CONTINUE
    words = ["--payload", "db-write", "--size", 300_000, "--mode", "window", "--window", 3]
    assert measured(run(talk, *words, "--count", 6, "--warm-up", 3))["messages"] == 6


def test_a_db_write_before_init_is_asked_for_apart(run):
    only_later = (
        'assert json.loads(request["id"].split("#")[1]) > 1 or request["params"]["data_version"]; '
        + CONTINUE
    )
    assert measured(run(only_later, "--payload", "db-write", "--early-writes", 3))["messages"] == 50
    done = run("sys.exit(4)", "--payload", "db-write", "--early-writes", 1)
    assert complaint(done).startswith("db_write before init: the plugin died (exit status: 4)")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--payload", "request"], "--payload request needs --method NAME"),
        (["--payload", "capture"], "--payload capture needs --capture FILE"),
        (["--payload", "db-write", "--options", "{"], "--options: "),
        (["--payload", "db-write", "--seconds", "0"], "nothing was measured in 0 s: "),
        (["--payload", "db-write", "--core", "1000"], "there is no processor 1000 to run on"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(run, words, reason):
    assert complaint(run(CONTINUE, *words)).startswith(reason)


def test_a_program_that_is_not_there(load):
    done = subprocess.run(
        [load, "--payload", "db-write", "--", "/no/such/plugin"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert complaint(done).startswith("/no/such/plugin: No such file")
