"""`clnwire record`: nothing is changed, nothing is lost, whoever dies first."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from tests.captures.recording import (
    ECHO,
    RECORD,
    Recording,
    children,
    frames,
    memory_kib,
    message,
    records,
    script,
)
from tests.cli.terminal import clnwire, is_running

pytestmark = pytest.mark.process

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and pidfd")


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    return script(tmp_path, ECHO)


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while is_running(pid) and not is_zombie(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.02)


def is_zombie(pid: int) -> bool:
    """Whether it has ended, and only its parent has not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_each_message_is_a_record_in_its_order(tmp_path: Path, echo: Path) -> None:
    with Recording(tmp_path, echo) as proxy:
        for number in range(200):
            sent = message(number, method="hello", params={"text": "ä" * number})
            proxy.send(sent)
            assert proxy.receive(len(sent)) == sent
        proxy.stdin.close()
        assert proxy.ended() == 0
        assert proxy.errors() == ""
    found = records(proxy.path)
    assert [one["dir"] for one in found] == ["in", "out"] * 200
    assert [json.loads(one["frame"])["id"] for one in found] == [n // 2 for n in range(400)]
    times = [one["t_us"] for one in found]
    assert times == sorted(times)
    assert all(set(one) == {"t_us", "dir", "frame"} for one in found)


@pytest.mark.promise("a plugin is recorded")
def test_bytes_that_are_no_messages_pass_as_they_are(tmp_path: Path, echo: Path) -> None:
    junk = random.Random(7).randbytes(300_000)
    last = message(1, method="after")
    with Recording(tmp_path, echo) as proxy:
        sent = junk + b"\n\n" + last
        assert proxy.exchange(sent, len(sent)) == sent
        proxy.stdin.close()
        assert proxy.receive(1) == b""
        assert proxy.ended() == 0
    found = records(proxy.path)
    assert {"in", "out"} == {one["dir"] for one in found if "note" in one}
    assert all(one["note"].startswith("not JSON: ") for one in found if "frame" not in one)
    assert [json.loads(one["frame"])["id"] for one in found if "frame" in one] == [1, 1]


def test_what_is_no_json_is_in_the_capture_to_the_last_byte(tmp_path: Path, echo: Path) -> None:
    from base64 import b64decode

    sent = message(1) + b'Hello \xff {"id":2}\n\n' + message(3) + b'{"id":4,"cut":'
    with Recording(tmp_path, echo) as proxy:
        assert proxy.exchange(sent, len(sent)) == sent
        proxy.stdin.close()
        assert proxy.ended() == 0
    found = [one for one in records(proxy.path) if one["dir"] == "in"]
    assert json.loads(found[0]["frame"])["id"] == 1
    assert found[1]["note"] == "not JSON: expected a JSON value at byte 0 (16 bytes)"
    assert b64decode(found[1]["raw"]) == b'Hello \xff {"id":2}'
    assert json.loads(found[2]["frame"])["id"] == 3
    assert found[3]["note"] == "the stream ended inside a message (14 bytes)"
    assert b64decode(found[3]["raw"]) == b'{"id":4,"cut":'


@pytest.mark.promise("a plugin is recorded", "each byte passes unchanged, with flat memory")
@ON_LINUX
def test_a_hundred_megabytes_pass_unchanged_with_flat_memory(tmp_path: Path, echo: Path) -> None:
    one = message(7, method="db_write", params={"writes": ["x" * 10_000]})
    count = 50_000_000 // len(one)
    # However slow the machine is, nothing may be left out here.
    with Recording(tmp_path, echo, "--buffer=110") as proxy:
        sent = hashlib.sha256()
        received = hashlib.sha256()
        for _ in range(count // 100):
            batch = one * 100
            sent.update(batch)
            received.update(proxy.exchange(batch, len(batch)))
        pids = [proxy.process.pid, *children(proxy.process.pid)]
        most = max(map(memory_kib, pids))
        proxy.stdin.close()
        assert proxy.receive(1) == b""
        assert proxy.ended() == 0
        assert proxy.errors() == ""
    assert sent.hexdigest() == received.hexdigest()
    assert len(pids) == 3
    # An interpreter's worth, and at most what may wait for a disk.
    assert most < 60_000 + 110 * 1024
    assert [len(frames(proxy.path, name)) for name in ("in", "out")] == [count // 100 * 100] * 2


def test_a_message_of_many_megabytes(tmp_path: Path, echo: Path) -> None:
    sent = message(1, method="hello", params={"text": "x" * 20_000_000})
    with Recording(tmp_path, echo) as proxy:
        assert proxy.exchange(sent, len(sent)) == sent
        proxy.stdin.close()
        assert proxy.ended() == 0
    assert [len(one["frame"]) for one in records(proxy.path)] == [len(sent) - 2] * 2


@pytest.mark.parametrize("status", [0, 3, 255])
def test_the_status_and_the_last_words_are_passed_on(tmp_path: Path, status: int) -> None:
    body = f"import os\nos.write(1, b'x' * 60_000 + b'end')\nos.write(2, b'oh')\nos._exit({status})"
    with Recording(tmp_path, script(tmp_path, body)) as proxy:
        time.sleep(1)
        assert proxy.receive(100_000) == b"x" * 60_000 + b"end"
        assert proxy.ended() == status
        assert proxy.errors() == "oh"
    assert records(proxy.path)[0]["note"].endswith("(60,003 bytes)")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_a_plugin_that_is_killed(tmp_path: Path, number: int) -> None:
    body = f"import os\nos.write(1, b'[1]')\nos.kill(os.getpid(), {int(number)})"
    with Recording(tmp_path, script(tmp_path, body)) as proxy:
        assert proxy.receive(100) == b"[1]"
        assert proxy.ended() == -number
    assert [one["frame"] for one in records(proxy.path)] == ["[1]"]


SIGNALLED = """
import os, signal, sys, time
def on_signal(number, frame):
    os.write(1, b'[%d]' % number)
for number in (15, 2, 1, 10):
    signal.signal(number, on_signal)
os.write(1, b'["ready"]')
while data := os.read(0, 100):
    pass
sys.exit(5)
"""


@pytest.mark.parametrize("number", [15, 2, 1, 10])
def test_signals_reach_the_plugin_once(tmp_path: Path, number: int) -> None:
    with Recording(tmp_path, script(tmp_path, SIGNALLED)) as proxy:
        assert proxy.receive(9) == b'["ready"]'
        proxy.process.send_signal(number)
        text = f"[{number}]".encode()
        assert proxy.receive(len(text)) == text
        proxy.stdin.close()
        assert proxy.receive(100) == b""
        assert proxy.ended() == 5
    assert frames(proxy.path, "out") == [["ready"], [number]]


def test_a_signal_that_ends_the_plugin_ends_the_proxy_alike(tmp_path: Path, echo: Path) -> None:
    with Recording(tmp_path, echo) as proxy:
        sent = message(1)
        assert proxy.exchange(sent, len(sent)) == sent
        proxy.process.terminate()
        assert proxy.ended() == -signal.SIGTERM
        assert proxy.errors() == ""
    assert len(records(proxy.path)) == 2


STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
os.write(1, b'{"pid":%d}\\n\\n' % os.getpid())
while os.read(0, 100):
    pass
time.sleep(LATER)
os.write(1, b'{"still":"here"}\\n\\n')
time.sleep(END)
"""


def stubborn(folder: Path, later: float = 0.3, end: float = 0.0) -> Path:
    """A plugin that goes on behind the end of its input."""
    return script(folder, STUBBORN.replace("LATER", str(later)).replace("END", str(end)))


def first_pid(proxy: Recording) -> int:
    text = b""
    while not text.endswith(b"\n\n"):
        text += proxy.receive(1)
    pid: int = json.loads(text)["pid"]
    return pid


def test_a_plugin_that_ignores_the_end_of_its_input(tmp_path: Path) -> None:
    with Recording(tmp_path, stubborn(tmp_path)) as proxy:
        first_pid(proxy)
        proxy.stdin.close()
        assert proxy.receive(100) == b'{"still":"here"}\n\n'
        assert proxy.ended() == 0
    assert frames(proxy.path, "out")[1] == {"still": "here"}


def test_a_daemon_that_is_gone(tmp_path: Path) -> None:
    """The plugin writes into a pipe that nobody reads, as it would without the proxy."""
    body = """
import os, sys, time
os.write(1, b'[1]')
while os.read(0, 100):
    pass
try:
    while True:
        os.write(1, b'[2]')
        time.sleep(0.001)  # the capture holds what is written until the proxy hears of the end
except BrokenPipeError:
    sys.exit(9)
"""
    with Recording(tmp_path, script(tmp_path, body)) as proxy:
        assert proxy.receive(3) == b"[1]"
        proxy.stdout.close()
        proxy.stdin.close()
        assert proxy.ended() == 9
    assert frames(proxy.path, "out")[0] == [1]


@ON_LINUX
def test_a_proxy_that_is_killed_leaves_a_whole_capture_and_no_plugin(tmp_path: Path) -> None:
    with Recording(tmp_path, stubborn(tmp_path, later=50)) as proxy:
        plugin = first_pid(proxy)
        (writer,) = set(children(proxy.process.pid)) - {plugin}
        proxy.send(message(1, method="hello") + b'{"cut')
        time.sleep(0.2)
        proxy.process.kill()
        proxy.ended()
        until_gone(writer)
        until_gone(plugin)
    found = records(proxy.path)
    assert json.loads(found[1]["frame"])["method"] == "hello"
    assert found[2]["note"] == "the stream ended inside a message (5 bytes)"
    import gzip

    assert gzip.decompress(proxy.path.read_bytes()).count(b"\n") == 3


@ON_LINUX
def test_a_killed_writer_leaves_what_it_had_and_the_proxy_goes_on(
    tmp_path: Path, echo: Path
) -> None:
    with Recording(tmp_path, echo) as proxy:
        sent = message(1)
        assert proxy.exchange(sent, len(sent)) == sent
        time.sleep(0.5)
        for child in children(proxy.process.pid):
            if b"plugin.py" not in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[1]:
                os.kill(child, signal.SIGKILL)
        time.sleep(0.2)
        for _ in range(3):
            assert proxy.exchange(sent, len(sent)) == sent
        proxy.stdin.close()
        assert proxy.ended() == 0
        said = "clnwire record: the recording has ended; what passes is forwarded all the same\n"
        assert proxy.errors() == said
    assert len(records(proxy.path)) == 2


@pytest.mark.promise("the disk of a recording is full, or stalls", "the plugin goes on")
def test_a_disk_that_is_full(tmp_path: Path, echo: Path) -> None:
    small_files = ["sh", "-c", 'ulimit -f 40; exec "$@"', "sh"]
    with Recording(tmp_path, echo, prefix=small_files) as proxy:
        for number in range(40):
            sent = message(number, params=random.Random(number).randbytes(5_000).hex())
            assert proxy.exchange(sent, len(sent)) == sent
            time.sleep(0.01)
        proxy.stdin.close()
        assert proxy.receive(1) == b""
        assert proxy.ended() == 0
        assert "clnwire record: the capture cannot be written: File too large" in proxy.errors()
    assert len(records(proxy.path)) > 1


@pytest.mark.promise("the disk of a recording is full, or stalls")
def test_a_disk_that_stalls_holds_nobody_up(tmp_path: Path, echo: Path) -> None:
    """The disk is a pipe that nobody reads for a while; what does not fit is named."""
    os.mkfifo(tmp_path / "capture.gz")
    disk = os.open(tmp_path / "capture.gz", os.O_RDONLY | os.O_NONBLOCK)
    one = message(1, params=random.Random(1).randbytes(50_000).hex())
    with Recording(tmp_path, echo, "--force", "--buffer=8") as proxy:
        for _ in range(60):
            assert proxy.exchange(one * 3, len(one) * 3) == one * 3
        os.set_blocking(disk, True)
        proxy.stdin.close()
        with os.fdopen(disk, "rb") as file:
            (tmp_path / "found.gz").write_bytes(file.read())
        assert proxy.ended() == 0
        assert proxy.errors() == (
            "clnwire record: the disk is slower than the traffic: 8 MiB wait for it, and what "
            "comes now is forwarded but not recorded\n"
        )
    found = records(tmp_path / "found.gz")
    missing = [
        int(one["note"].split()[2].replace(",", ""))
        for one in found
        if "missing" in one.get("note", "")
    ]
    assert len(missing) == 2
    whole = sum(len(each["frame"]) + 2 for each in found if "frame" in each)
    # In each direction a message may be cut by the gap.
    assert 0 <= 2 * 180 * len(one) - whole - sum(missing) <= 2 * 2 * len(one)


@pytest.mark.parametrize("closed", [0, 1])
def test_a_pipe_that_the_plugin_closes_is_closed_for_the_daemon(
    tmp_path: Path, closed: int
) -> None:
    body = f"import os, time\nos.write(1, b'[1]')\nos.close({closed})\ntime.sleep(1)"
    with Recording(tmp_path, script(tmp_path, body)) as proxy:
        assert proxy.receive(3) == b"[1]"
        if closed == 1:
            assert proxy.receive(1) == b""
        else:
            with pytest.raises(BrokenPipeError):
                for _ in range(100):
                    proxy.send(b"[2]")
                    time.sleep(0.01)
        assert proxy.process.poll() is None
        assert proxy.ended() == 0


def test_a_process_that_the_plugin_leaves_behind_still_speaks(tmp_path: Path) -> None:
    body = """
import os, time
if os.fork():
    os._exit(4)
time.sleep(0.5)
os.write(1, b'["late"]')
"""
    with Recording(tmp_path, script(tmp_path, body)) as proxy:
        assert proxy.receive(100) == b'["late"]'
        assert proxy.ended() == 4


def test_what_is_left_behind_is_not_waited_for_when_a_signal_comes(tmp_path: Path) -> None:
    body = """
import os, time
if os.fork():
    os._exit(4)
os.write(1, b"[%010d]" % (10**9 + os.getpid()))
time.sleep(600)
"""
    with Recording(tmp_path, script(tmp_path, body)) as proxy:
        here = proxy.receive(12)
        time.sleep(0.5)
        assert proxy.process.poll() is None
        proxy.process.terminate()
        assert proxy.ended() == 4
        # It still runs.
        os.kill(int(here[1:-1]) - 10**9, signal.SIGKILL)
    assert frames(proxy.path, "out") == [json.loads(here)]


def test_masked_members_pass_unmasked(tmp_path: Path, echo: Path) -> None:
    sent = message(1, params={"preimage": "00" * 31 + "ff", "deep": [{"secret": "pass", "n": 5}]})
    with Recording(tmp_path, echo, "--redact", "preimage,secret") as proxy:
        assert proxy.exchange(sent, len(sent)) == sent
        proxy.stdin.close()
        assert proxy.ended() == 0
    found = records(proxy.path)
    assert found[0]["redacted"] == ["preimage", "secret"]
    params = {"preimage": "0" * 64, "deep": [{"secret": "****", "n": 5}]}
    assert [json.loads(one["frame"])["params"] for one in found] == [params] * 2
    assert len(found[0]["frame"]) == len(sent) - 2
    shown = clnwire("trace", "--json", proxy.path).stdout.splitlines()
    assert json.loads(shown[1])["redacted"] == ["preimage", "secret"]


def test_what_cannot_be_masked_is_not_written(tmp_path: Path, echo: Path) -> None:
    sent = b'{"preimage":"secret", no\n\n'
    with Recording(tmp_path, echo, "--redact=preimage") as proxy:
        assert proxy.exchange(sent, len(sent)) == sent
        proxy.stdin.close()
        assert proxy.ended() == 0
    found = records(proxy.path)
    assert [set(one) for one in found] == [{"t_us", "dir", "note"}] * 2
    assert found[0]["note"].endswith("(24 bytes)")


def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return clnwire("record", *words, cwd=cwd)


def test_a_new_file_for_its_owner_each_time(tmp_path: Path, echo: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    for _ in range(3):
        assert run("--", sys.executable, echo, cwd=folder).returncode == 0
    made = sorted(folder.iterdir())
    assert len(made) == 3
    for path in made:
        assert path.name.startswith("plugin-20")
        assert path.name.endswith(".jsonl.gz")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert records(path) == []


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path, echo: Path) -> None:
    path = tmp_path / "capture.gz"
    path.write_text("precious")
    path.chmod(0o644)
    done = run("-o", path, "--", echo)
    assert done.returncode == 2
    assert done.stderr == (
        f"clnwire record: {path} exists; overwrite it with --force, or name a directory: each run "
        "makes a new file in it\n"
    )
    assert path.read_text() == "precious"
    assert run("-o", path, "--force", "--", echo).returncode == 0
    assert records(path) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_cannot_be_recorded(tmp_path: Path, echo: Path) -> None:
    done = run("-o", tmp_path / "none" / "x", "--", echo)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cannot be written: No such file or directory" in done.stderr
    done = run("-o", tmp_path, "--", tmp_path / "none.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "there is no such file" in done.stderr
    bad = script(tmp_path, "", "bad")
    bad.write_text("#!/no/such/interpreter\n")
    done = run("-o", tmp_path, "--", bad)
    assert done.returncode == 2
    assert "its first line names '/no/such/interpreter'" in done.stderr
    assert not list(tmp_path.glob("*.gz"))


def test_the_wrapper_for_lightningd(tmp_path: Path, echo: Path) -> None:
    where = tmp_path / "it's here"
    wrapper = tmp_path / "recorded.sh"
    words = ["--write-wrapper", wrapper, "-o", where, "--redact", "a,b", "--", "plugin.py", "x y"]
    done = run(*words, cwd=tmp_path)
    assert done.stdout == f"lightningd records with: plugin={wrapper}\n"
    assert done.returncode == 0
    assert not list(where.iterdir())
    again = run(*words, cwd=tmp_path)
    assert (again.returncode, again.stderr) == (
        2,
        f"clnwire record: {wrapper} exists; overwrite it with --force\n",
    )
    done = run("--write-wrapper", tmp_path / "x", "-o", wrapper, "--", "plugin.py", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{wrapper} is a file; for a wrapper name a directory" in done.stderr
    script(tmp_path, "import sys, json\nprint(json.dumps(sys.argv[1:]))")
    shown = subprocess.run(
        [wrapper, "--developer"], cwd="/", capture_output=True, check=True, stdin=subprocess.DEVNULL
    )
    assert json.loads(shown.stdout) == ["x y", "--developer"]
    (path,) = where.iterdir()
    assert frames(path, "out") == [["x y", "--developer"]]


@pytest.mark.parametrize("name", ["forwarder", "node"])
def test_recorded_traffic_recorded_once_more(shared: Path, tmp_path: Path, name: str) -> None:
    """What replay plays through the proxy is what the proxy writes."""
    from tests.cli.test_replay import EVERYTHING, replay
    from tests.host.raw import write_plugin

    source = shared / f"captures/{name}.jsonl.gz"
    again = tmp_path / "again.gz"
    plugin = write_plugin(tmp_path, EVERYTHING)
    # --live: `init` is recorded again as it was.
    done = replay(source, "--live", "--", *RECORD, "-o", again, "--", plugin)
    assert done.returncode == 0, done.stderr
    played = [one["frame"] for one in records(source) if one["dir"] == "in"]
    assert [one["frame"] for one in records(again) if one["dir"] == "in"] == played
    assert replay(again, "--", plugin).returncode == 0
