"""The load generator measures right plugins of any kind, and no wrong one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clnwire.bench.load import Ask, Job, LoadError, PluginFailedError, Report, measure, medians
from clnwire.bench.load.messages import ID, NUMBER, init, notification, request, statements
from tests.load.plugins import CONTINUE, done, small_writes, written

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, as the load generator does"),
    pytest.mark.process,
]

Run = Callable[..., Report]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(reply: str, more: str = "", hooks: str = '["db_write"]', **settings: Any) -> Report:
        command = written(tmp_path, reply, more, hooks)
        return done(**{"command": command, **small_writes(), **settings})

    return run


def complaint(run: Run, reply: str, **settings: Any) -> str:
    with pytest.raises(PluginFailedError) as caught:
        run(reply, **settings)
    return str(caught.value)


@pytest.mark.parametrize("mode", ["one", "window", "flood"])
def test_every_mode_measures(run: Run, mode: str) -> None:
    report = run(CONTINUE, mode=mode, window=10, notification=notification("connect", "{}"))
    figures = report.all_figures()
    assert figures.messages == 50
    assert report.exit == "exit status: 0"
    assert 0 < figures.p50_us <= figures.p99_us <= figures.p999_us
    assert min(figures.messages_per_second, figures.megabytes_per_second) > 0
    assert figures.processor_us > 0
    assert figures.manifest_ms > 1
    assert figures.peak_memory_kb >= figures.idle_memory_kb > 1000


def test_the_manifest_is_given_as_it_is_written(run: Run) -> None:
    report = run("sys.exit(1)", mode="manifest")
    assert bytes(report.manifest).startswith(b'{"options": [], "rpcmethods": [], "hooks"')
    assert report.figures is None
    assert report.manifest_ms > 1


COUNTING = """
seen = 0
def heard(notification):
    global seen
    seen += 1
    time.sleep(0.001)
def ended():
    open(sys.argv[0] + ".seen", "w").write(str(seen))
import atexit; atexit.register(ended)
"""


def test_what_is_poured_is_waited_for(run: Run, tmp_path: Path) -> None:
    """Nothing is answered: what counts is when the plugin comes to rest."""
    settings = {"mode": "pour", "window": 10, "notification": notification("connect", "{}")}
    report = run("sys.exit(1)", COUNTING, **settings)
    assert (tmp_path / "plugin.py.seen").read_text() == "60"
    figures = report.all_figures()
    assert (figures.messages, figures.p50_us) == (50, 0)
    # It needs a millisecond for each, and 64 kB of them fit into the pipe.
    assert 300 < figures.messages_per_second < 1000


def test_one_that_listens_to_much_is_not_taken_for_dead(run: Run) -> None:
    long = notification("connect", '{"say":"' + "x" * 1000 + '"}')
    settings = {"mode": "pour", "window": 10, "notification": long}
    report = run("sys.exit(1)", COUNTING, count=1500, patience=0.3, **settings)
    assert report.all_figures().messages == 1500


def test_a_message_larger_than_the_pipe(run: Run) -> None:
    figures = run(CONTINUE, **small_writes(1_000_000), count=2).all_figures()
    assert figures.messages == 2
    assert figures.megabytes_per_second > 0


def test_any_hook_or_method_can_be_asked(run: Run) -> None:
    echo = 'return right(request, [request["method"], request["params"]])'
    requests = [request("mine", '{"say": "yes"}')]
    expected = '["mine", {"say": "yes"}]'
    assert run(echo, requests=requests, expect=expected).all_figures().messages == 50
    assert run(echo, requests=requests, expect=None).all_figures().messages == 50
    other = complaint(run, echo, requests=requests, expect='["mine", {"say": "no"}]')
    assert other.startswith('wrong reply to "cln:mine#1": {"jsonrpc": "2.0", "id": "cln:mine#1"')


def test_requests_are_sent_in_turn_and_as_they_are(run: Run) -> None:
    asks = [Ask("7", '{"id":7,"method":"a"}'), Ask(f'"{NUMBER}"', f'{{"id":{ID},"method":"b"}}')]
    says = 'return right(request, "a" if request["id"] == 7 else "b")'
    order = 'last = ""'
    check = (
        'global last; assert (request["id"] == 7) == (request["method"] == "a") != (last == "a"); '
        'last = request["method"]; '
    )
    assert run(check + says, order, requests=asks, expect=None).all_figures().messages == 50


def test_options_reach_the_plugin(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "from clnwire import Plugin\nplugin = Plugin()\n"
        "word = plugin.option('word', 'none', description='A word')\n"
        "@plugin.method('say')\ndef say() -> str:\n    return word.value\nplugin.run()\n"
    )
    settings = {"requests": [request("say", "[]")], "expect": '"hi"'}
    told = init(str(tmp_path), '{"word": "hi"}')
    report = done([sys.executable, str(plugin)], init=told, **settings)
    assert report.all_figures().messages == 50


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
def test_a_wrong_reply_ends_the_run(run: Run, reply: str, mode: str) -> None:
    assert complaint(run, reply, mode=mode, window=4).startswith("wrong reply")


def test_a_long_reply_is_not_shown_in_full(run: Run) -> None:
    said = complaint(run, 'return right(request, "x" * 100_000)')
    assert len(said) < 500
    assert said.endswith("xxx…")


def test_a_second_reply_ends_the_run(run: Run) -> None:
    twice = 'return "\\n".join([right(request, {"result": "continue"})] * 2)'
    said = complaint(run, twice, mode="window", window=4)
    assert said.startswith("wrong reply, which nothing waits for: ")


def test_one_that_dies_is_reported_with_its_status_and_last_words(run: Run) -> None:
    with pytest.raises(PluginFailedError) as caught:
        run('sys.exit("no more")')
    assert str(caught.value) == "the plugin died (exit status: 1): it closed its stdout"
    assert caught.value.stderr == ["no more"]


def test_one_that_says_nothing_is_given_up(run: Run) -> None:
    said = complaint(run, "return None", patience=0.5)
    assert said == "the plugin says nothing, and was ended"


def test_one_that_talks_without_end_does_not_fill_the_memory(run: Run) -> None:
    said = complaint(
        run,
        """
    while True:
        os.write(1, b'"' + b"x" * 10_000_000)""",
    )
    assert said == "it says something without an end"


def test_one_that_does_not_want_to_run(run: Run) -> None:
    unwilling = 'def started(request): return right(request, {**MANIFEST, "disable": "no node"})'
    with pytest.raises(LoadError, match='does not want to run: "no node"') as caught:
        run(CONTINUE, unwilling)
    assert not isinstance(caught.value, PluginFailedError)


def test_one_that_talks_meanwhile_holds_nothing_up(run: Run) -> None:
    # More log lines than a pipe holds, while a request comes that is larger than a pipe.
    line = '{"jsonrpc": "2.0", "method": "log", "params": {"message": "' + "x" * 1000 + '"}}'
    talk = f"[print({line!r}) for _ in range(300)]; " + CONTINUE
    settings = {**small_writes(300_000), "mode": "window", "window": 3, "count": 6, "warm_up": 3}
    assert run(talk, **settings).all_figures().messages == 6


def test_what_is_written_to_stderr_holds_nothing_up(run: Run) -> None:
    talk = 'sys.stderr.write("y" * 100_000 + "\\n"); ' + CONTINUE
    assert run(talk).all_figures().messages == 50


def test_a_db_write_before_init_is_asked_for_apart(run: Run) -> None:
    early = [request("db_write", f'{{"data_version":{NUMBER}}}')] * 3
    versions = "versions = []\nstarted_ = started\ndef started(request):\n"
    versions += '    if request["method"] == "init": assert versions == [1, 2, 3], versions\n'
    versions += "    return started_(request)"
    reply = 'versions.append(request["params"]["data_version"]); ' + CONTINUE
    assert run(reply, versions, early=early, first=4).all_figures().messages == 50
    said = complaint(run, "sys.exit(4)", early=early)
    assert said.startswith("db_write before init: the plugin died (exit status: 4)")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"requests": []}, "there is no request to send"),
        ({"seconds": 0}, "nothing was measured in 0 s: "),
        ({"core": 1000}, "there is no processor 1000 to run on"),
        ({"core": 1 << 40}, "there is no processor 1099511627776 to run on"),
        ({"window": 0}, "no job: "),
        ({"command": []}, "there is no plugin to start"),
        ({"command": ["/no/such/plugin"]}, "/no/such/plugin: No such file"),
        ({"folder": "/no/such/folder"}, "No such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    run: Run, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(LoadError) as caught:
        run(CONTINUE, **settings)
    assert reason in str(caught.value)
    assert not isinstance(caught.value, PluginFailedError)


def test_what_a_launcher_starts_is_counted_too(run: Run, tmp_path: Path) -> None:
    """As `uv run` does: the plugin is the child of the process that was started."""
    alone = run(CONTINUE, count=2000).all_figures()
    script = tmp_path / "launcher.sh"
    script.write_text(f"{sys.executable} {tmp_path / 'plugin.py'}\nexit 0\n")
    command = ["/bin/sh", str(script)]
    launched = done(command, **small_writes(), count=2000).all_figures()
    assert launched.idle_memory_kb > alone.idle_memory_kb
    assert launched.processor_us > alone.processor_us / 3


STUBBORN = """
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
children = [subprocess.Popen(["sleep", "60"], start_new_session=group) for group in {groups}]
open(sys.argv[0] + ".pids", "w").write(" ".join(str(child.pid) for child in children))
"""


def test_what_a_plugin_leaves_behind_is_ended(run: Run, tmp_path: Path) -> None:
    run(CONTINUE, STUBBORN.format(groups="[False]"))
    assert_gone(tmp_path / "plugin.py.pids")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    command = written(tmp_path, "time.sleep(60)", STUBBORN.format(groups="[False]"))
    job = Job(mode="one", command=command, init=init("/tmp"), **small_writes(), patience=60.0)
    code = (
        "import signal, sys, msgspec; from clnwire.bench.load import Job, measure\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
        f"measure(msgspec.json.decode({msgspec.json.encode(job)!r}, type=Job))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    pids = tmp_path / "plugin.py.pids"
    until(lambda: pids.exists() and bool(pids.read_text()))
    process.send_signal(number)
    assert process.wait(timeout=20) != 0
    assert_gone(pids)


def assert_gone(pids: Path) -> None:
    for pid in map(int, pids.read_text().split()):
        until(lambda pid=pid: not runs(pid))


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_this_process_is_not_pinned(run: Run) -> None:
    before = os.sched_getaffinity(0)
    core = max(before)
    alone = f"assert os.sched_getaffinity(0) == {{{core}}}"
    assert run(CONTINUE, alone, core=core).all_figures().messages == 50
    assert os.sched_getaffinity(0) == before


def test_the_folder_has_no_say_in_what_is_imported(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clnwire.py").write_text("raise SystemExit('not me')")
    (tmp_path / "signal.py").write_text("raise SystemExit('nor me')")
    monkeypatch.chdir(tmp_path)
    command = written(tmp_path, CONTINUE)
    job = Job(mode="manifest", command=[command[0], "-I", command[1]])
    assert b"db_write" in bytes(measure(job).manifest)


@pytest.mark.parametrize("size", [0, 1, 280, 2_280, 11_880])
def test_statements_have_the_size_that_was_asked_for(size: int) -> None:
    text = statements(size, "UPDATE t SET c='", "'")
    assert size - 80 <= len(text) <= max(size, 90) + 80
    assert all(len(each) <= 250 for each in msgspec.json.decode(f"[{text}]", type=list[str]))


def test_elsewhere_it_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(LoadError, match="the load generator needs Linux"):
        measure(Job(mode="manifest", command=["x"]))


def test_medians_are_figure_by_figure(run: Run) -> None:
    figures = run(CONTINUE).all_figures()
    rows = [
        msgspec.structs.replace(figures, p50_us=first, p99_us=second)
        for first, second in ((1, 9), (2, 7), (6, 8))
    ]
    middle = medians(rows)
    assert (middle.p50_us, middle.p99_us, middle.messages) == (2, 8, 50)
