"""`clnwire replay`, run as a user runs it."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminal import clnwire
from tests.host.raw import write_plugin

MANIFEST: dict[str, Any] = {"options": [], "rpcmethods": []}
CONTINUE = {"result": "continue"}
EVERYTHING = """
def answer(message):
    if message["method"] in ("openchannel2_changed", "openchannel2_sign"):
        psbt = message["params"][message["method"]]["psbt"]
        return {"result": "continue", "psbt": psbt}
    return {"result": "continue"}
"""


def incoming(method: str, params: Any, token: Any = None) -> tuple[str, str]:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if token is not None:
        message["id"] = token
    return "in", json.dumps(message)


def outgoing(token: Any, **outcome: Any) -> tuple[str, str]:
    return "out", json.dumps({"jsonrpc": "2.0", "id": token, **outcome})


START = [
    incoming("getmanifest", {"allow-deprecated-apis": False}, "cln:getmanifest#1"),
    outgoing("cln:getmanifest#1", result=MANIFEST),
    incoming("init", {"options": {}, "configuration": {}}, "cln:init#2"),
    outgoing("cln:init#2", result={}),
]


def capture(folder: Path, frames: list[tuple[str, str]], *, each_us: int = 1000) -> Path:
    path = folder / "capture.jsonl"
    lines = [
        json.dumps({"t_us": number * each_us, "dir": direction, "frame": frame}) + "\n"
        for number, (direction, frame) in enumerate(frames)
    ]
    path.write_text("".join(lines))
    return path


def replay(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return clnwire("replay", *words)


def differs(
    folder: Path, body: str, frames: list[tuple[str, str]], timeout: str = "20"
) -> dict[str, Any]:
    """The first difference that a plugin with this body makes."""
    plugin = write_plugin(folder, body)
    path = capture(folder, START + frames)
    done = replay(path, "--json", "--timeout", timeout, "--", plugin)
    assert done.returncode == 1
    found: dict[str, Any] = json.loads(done.stdout)["difference"]
    return found


HOOK = incoming("recover", {"codex32": "cl1"}, "cln:recover#3")
HOOK_ANSWER = outgoing("cln:recover#3", result=CONTINUE)
HELLO = incoming("hello", {}, 7.50)


@pytest.mark.parametrize("name", ["db_write", "node", "forwarder"])
def test_recorded_traffic(shared: Path, tmp_path: Path, name: str) -> None:
    plugin = write_plugin(tmp_path, EVERYTHING)
    done = replay(shared / f"captures/{name}.jsonl.gz", "--json", "--", plugin)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    expected = {"db_write": (2164, 0), "node": (3263, 1094), "forwarder": (417, 165)}[name]
    assert (report["requests"], report["notifications"]) == expected
    assert sum(row["count"] for row in report["methods"]) == report["requests"]
    for row in report["methods"]:
        assert 0 < row["median_us"] <= row["p99_us"] <= row["p999_us"] <= row["max_us"]
    assert report["seconds"] > 0
    if sys.platform == "linux":
        assert report["cpu_us_per_message"] > 0


def test_a_plain_capture_and_its_table(tmp_path: Path) -> None:
    body = EVERYTHING + '\ndef notified(message):\n    log("heard")\n'
    frames = [*START, HOOK, incoming("connect", {"connect": {}}), HOOK_ANSWER]
    done = replay(capture(tmp_path, frames), "--", write_plugin(tmp_path, body))
    assert done.returncode == 0, done.stderr
    assert "recover" in done.stdout
    assert "99.9 % µs" in done.stdout
    assert "3 requests answered, 1 notification," in done.stdout


def test_a_gzipped_capture_and_a_plugin_with_arguments(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path, 'if sys.argv[1:] != ["--flag", "x"]:\n    sys.exit(9)')
    packed = tmp_path / "capture.gz"
    packed.write_bytes(gzip.compress(capture(tmp_path, START).read_bytes()))
    assert replay(packed, "--", plugin, "--flag", "x").returncode == 0
    assert replay(packed, "--", sys.executable, plugin, "--flag", "x").returncode == 0


def test_the_frames_go_out_as_they_are(tmp_path: Path) -> None:
    odd = '{"id" : "a\\u00e9" ,\n\n "method":"hello","params":{"n":0x10 } }'
    body = f"""
    def messages():
        text = ""
        while data := os.read(0, 65536).decode():
            text += data
            while "}}\\n\\n" in text:
                one, _, text = text.partition("}}\\n\\n")
                one += "}}"
                if one == {odd!r}:
                    say('{{"jsonrpc":"2.0","id":"a\\\\u00e9","result":1}}')
                else:
                    yield json.loads(one)
    """
    frames = [*START, ("in", odd)]
    plugin = write_plugin(tmp_path, body)
    done = replay(capture(tmp_path, frames), "--timeout", "2", "--", plugin)
    assert done.returncode == 0, done.stderr


def test_of_a_doubled_id_the_first_counts(tmp_path: Path) -> None:
    doubled = '{"jsonrpc":"2.0","id":5,"id":6,"method":"hello","params":{}}'
    path = capture(tmp_path, [*START, ("in", doubled)])
    # This plugin's reader takes the last one.
    body = """
    def reply(message, result, reply=reply):
        reply({"id": 5} if message["id"] == 6 else message, result)
    """
    done = replay(path, "--json", "--", write_plugin(tmp_path, body))
    assert done.returncode == 0, done.stdout


def test_the_window_bounds_what_is_under_way(tmp_path: Path) -> None:
    """The plugin answers only when five requests wait, so a window of four gets stuck."""
    body = """
    held = []
    def handle(message, handle=handle):
        if message["method"] != "hello":
            return handle(message)
        held.append(message)
        if len(held) == 5:
            while held:
                reply(held.pop(), {})
    """
    plugin = write_plugin(tmp_path, body)
    path = capture(tmp_path, START + [incoming("hello", {}, number) for number in range(20)])
    assert replay(path, "--window", "5", "--", plugin).returncode == 0
    stuck = replay(path, "--window", "4", "--timeout", "2", "--", plugin)
    assert stuck.returncode == 1
    assert "line 5 of the capture: expected an answer to hello 0; got none within 2 s" in (
        stuck.stderr
    )


def test_db_write_is_alone_on_the_way(tmp_path: Path) -> None:
    body = """
    waiting = 0
    def messages(messages=messages):
        while data := os.read(0, 65536).decode():
            found = [json.loads(one) for one in data.split("\\n\\n") if one]
            if len(found) > 1:
                sys.exit(5)
            yield from found
    """
    writes = [incoming("db_write", {"writes": [], "data_version": n}, f"d{n}") for n in range(50)]
    done = replay(capture(tmp_path, START + writes), "--", write_plugin(tmp_path, body))
    assert done.returncode == 0, done.stderr


def test_real_time(tmp_path: Path) -> None:
    frames = [*START, HOOK, HOOK_ANSWER]
    path = capture(tmp_path, frames, each_us=100_000)
    plugin = write_plugin(tmp_path, EVERYTHING)

    def seconds(speed: str) -> tuple[float, float]:
        """From the first message to the last answer, and from the second message."""
        report = json.loads(replay(path, "--json", "--speed", speed, "--", plugin).stdout)
        (start,) = [row for row in report["methods"] if row["method"] == "getmanifest"]
        return start["max_us"] / 1e6 + report["seconds"], report["seconds"]

    assert seconds("1")[0] > 0.39
    assert seconds("2")[0] > 0.19
    assert seconds("0")[1] < 0.19


def test_a_request_that_was_refused_may_be_refused(tmp_path: Path) -> None:
    body = """
    def handle(message, handle=handle):
        fail(message, 1, "no") if message["method"] == "hello" else handle(message)
    """
    refused = outgoing(7.50, error={"code": 1, "message": "no"})
    path = capture(tmp_path, [*START, HELLO, refused])
    assert replay(path, "--", write_plugin(tmp_path, body)).returncode == 0
    path = capture(tmp_path, [*START, HELLO, refused])
    assert replay(path, "--", write_plugin(tmp_path, EVERYTHING)).returncode == 0


def test_difference_error_instead_of_a_result(tmp_path: Path) -> None:
    body = """
    def handle(message, handle=handle):
        fail(message, 1, "no") if message["method"] == "hello" else handle(message)
    """
    found = differs(tmp_path, body, [HELLO, outgoing(7.50, result={"greeting": "Hi"})])
    assert found["line"] == 5
    assert found["expected"] == (
        'an answer to hello 7.5 such as {"jsonrpc": "2.0", "id": 7.5, "result": {"greeting": "Hi"}}'
    )
    assert found["got"] == 'an error: {"code": 1, "message": "no"}'


def test_difference_bad_hook_answer(tmp_path: Path) -> None:
    body = 'def answer(message):\n    return {"result": "stop"}'
    found = differs(tmp_path, body, [HOOK, HOOK_ANSWER])
    assert found["line"] == 5
    assert found["expected"].startswith('an answer to hook recover "cln:recover#3" such as')
    assert "at which the daemon would have stopped" in found["got"]
    assert found["got"].endswith("; the plugin's manifest does not have this hook")
    plain = replay(tmp_path / "capture.jsonl", "--", tmp_path / "plugin.py")
    assert plain.returncode == 1
    line = f"clnwire replay: line 5 of the capture: expected {found['expected']}; "
    assert plain.stderr == f"{line}got {found['got']}\n"


def test_difference_rpc_command_answer_that_is_none(tmp_path: Path) -> None:
    command = incoming("rpc_command", {"rpc_command": {}}, 1)
    found = differs(tmp_path, "def answer(message):\n    return {}", [command])
    assert 'no "continue", "replace" or "return"' in found["got"]


def test_difference_no_answer(tmp_path: Path) -> None:
    body = """
    def handle(message, handle=handle):
        message["method"] == "hello" or handle(message)
    """
    found = differs(tmp_path, body, [HOOK, HELLO, HOOK_ANSWER], "2")
    assert found["line"] == 6
    assert found["got"] == "none within 2 s"


def test_difference_wrong_id(tmp_path: Path) -> None:
    body = 'def reply(message, result):\n    send(id=str(message["id"]), result=MANIFEST)'
    found = differs(tmp_path, body, [HELLO])
    assert found["line"] == 5
    assert found["got"].startswith('an unknown id: {"jsonrpc": "2.0", "id": "7.5"')


def test_difference_two_answers(tmp_path: Path) -> None:
    body = """
    def reply(message, result, reply=reply):
        reply(message, result)
        if message["method"] == "recover":
            reply(message, result)
    """
    found = differs(tmp_path, body, [HOOK, HOOK_ANSWER])
    assert found["line"] == 5
    assert found["expected"] == 'one answer to recover "cln:recover#3"'
    assert found["got"].startswith("a second one: ")


@pytest.mark.parametrize(
    ("output", "got"),
    [
        ("hello", "not JSON: expected a JSON value at byte"),
        ('{"id":1}', 'it sent a message without "jsonrpc"'),
        (
            '{"jsonrpc":"2.0","method":"log","params":{"level":"loud","message":"m"}}',
            "it sent a log line of unknown level 'loud'",
        ),
    ],
)
def test_difference_output_that_kills(tmp_path: Path, output: str, got: str) -> None:
    body = 'def handle(message, handle=handle):\n    if message["method"] == "recover":\n'
    body += f"        say({output!r})\n    handle(message)\n"
    found = differs(tmp_path, body, [HOOK, HOOK_ANSWER])
    assert found["line"] == 5
    assert found["expected"] == "output that the daemon takes"
    assert got in found["got"]


@pytest.mark.parametrize(
    ("body", "got"),
    [
        ("MANIFEST = {}", "a manifest that is refused: options: must be an array, and is missing"),
        ('MANIFEST = {"disable": "no"}', "a plugin that disables itself: no"),
        ('def init(message):\n    return {"disable": "no"}', "a plugin that disables itself: no"),
    ],
)
def test_difference_at_the_start(tmp_path: Path, body: str, got: str) -> None:
    assert differs(tmp_path, body, [HOOK])["got"] == got


def cannot(*words: str | Path) -> str:
    """The one line that says why a replay cannot be done."""
    done = replay(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("clnwire replay: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_plugin_that_dies(tmp_path: Path) -> None:
    path = capture(tmp_path, [*START, HOOK, HOOK_ANSWER])
    plugin = write_plugin(tmp_path, "def answer(message):\n    sys.exit(6)")
    said = cannot(path, "--", plugin)
    assert "'plugin.py' exited with status 6; it had not answered \"cln:recover#3\"" in said
    assert "exited with status 3" in cannot(path, "--", write_plugin(tmp_path, "sys.exit(3)"))


def calling(folder: Path) -> Path:
    """A plugin that calls the node at `init`, and says in a file what it got."""
    return write_plugin(
        folder,
        """
        import socket
        def init(message):
            where = message["params"]["configuration"]
            path = where["lightning-dir"] + "/" + where["rpc-file"]
            node = socket.socket(socket.AF_UNIX)
            node.connect(path)
            node.sendall(b'{"jsonrpc":"2.0","id":"1","method":"listpeerchannels","params":{}}')
            with open("got.json", "wb") as file:
                file.write(node.recv(65536))
            return {}
        """,
        name="calling.py",
    )


def of_a_node(folder: Path, **options: object) -> Path:
    where = {"lightning-dir": str(folder / "regtest"), "rpc-file": "lightning-rpc", "network": "x"}
    init = incoming("init", {"options": options, "configuration": where}, "cln:init#2")
    return capture(folder, [*START[:2], init, START[3]])


@pytest.fixture
def live_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What a node would be asked that still runs where the capture was taken."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "regtest").mkdir()
    asked: list[bytes] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            caller, _ = listening.accept()
            with caller:
                asked.append(caller.recv(65536))
                caller.sendall(b'{"jsonrpc":"2.0","id":"1","result":{"is":"live"}}')

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "regtest" / "lightning-rpc"))
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield asked
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_plugin_does_not_call_the_node_of_the_capture(
    tmp_path: Path, live_node: list[bytes]
) -> None:
    done = replay(of_a_node(tmp_path), "--", calling(tmp_path))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "got.json").read_text())["result"] == {"channels": []}
    assert live_node == []


def test_live_lets_it_call_that_node(tmp_path: Path, live_node: list[bytes]) -> None:
    done = replay(of_a_node(tmp_path), "--live", "--", calling(tmp_path))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "got.json").read_text())["result"] == {"is": "live"}
    assert len(live_node) == 1


def test_an_init_whose_socket_cannot_be_found_is_not_played(tmp_path: Path) -> None:
    init = '{"jsonrpc":"2.0","id":"cln:init#2","method":"init","params":[{"rpc-file":"/live"}]}'
    path = capture(tmp_path, [*START[:2], ("in", init), START[3]])
    plugin = write_plugin(tmp_path, "")
    said = cannot(path, "--", plugin)
    assert "line 3 of the capture: the socket's path cannot be found in init" in said
    assert replay(path, "--live", "--", plugin).returncode == 0


def test_options_that_hold_paths_are_named(tmp_path: Path) -> None:
    path = of_a_node(tmp_path, file="/var/db.sqlite3", many=["x", "~/a"], word="a/b", number=5)
    done = replay(path, "--", write_plugin(tmp_path, ""))
    warnings = [line for line in done.stderr.splitlines() if "the capture sets" in line]
    assert [line.split("the option ")[1].split(":")[0] for line in warnings] == [
        "file=/var/db.sqlite3",
        "many=~/a",
    ]


def test_the_last_errors_of_a_plugin_that_dies(tmp_path: Path) -> None:
    body = """
    def init(message):
        for text in ("one", "two", "three", "four"):
            send(method="log", params={"level": "error", "message": text})
        raise SystemExit(3)
    """
    said = cannot(capture(tmp_path, START), "--", write_plugin(tmp_path, body))
    assert "its last errors in the log: two | three | four" in said


def test_a_plugin_that_cannot_be_started(tmp_path: Path) -> None:
    path = capture(tmp_path, START)
    said = cannot(path, "--", tmp_path / "none.py")
    assert "there is no such file" in said
    as_json = replay("--json", path, "--", tmp_path / "none.py")
    assert as_json.returncode == 2
    assert f"clnwire replay: {json.loads(as_json.stdout)['error']}\n" == said
    broken = write_plugin(tmp_path, "", "broken.sh", 0o644)
    assert "is not executable" in cannot(path, "--", broken)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "no message to the plugin in it"),
        (b"\x1f\x8bnonsense", "cannot be read: "),
        (gzip.compress(b"x" * 1000, mtime=0)[:20], "cannot be read: "),
        (b"hello\n", ":1: not a record of a capture"),
        (b'{"t_us":0,"dir":"up","frame":"{}"}\n', ":1: not a record of a capture"),
        (b'\n{"t_us":0,"dir":"in","frame":"x"}\n', ":2: the frame is not a JSON object"),
        (b'{"t_us":0,"dir":"in","frame":"{}"}\n', ":1: the frame has no method"),
    ],
)
def test_a_capture_that_cannot_be_used(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_bytes(content)
    said = cannot(path, "--", write_plugin(tmp_path, ""))
    assert f"{path}" in said
    assert part in said


def test_a_capture_that_is_not_there(tmp_path: Path) -> None:
    assert "No such file" in cannot(tmp_path / "none", "--", write_plugin(tmp_path, ""))


def test_the_command_line_as_an_object() -> None:
    from clnwire import cli
    from clnwire.cli._group import names

    assert {"call", "demo", "replay"} <= set(names())
    assert cli.app.info.name == "clnwire"
    with pytest.raises(AttributeError, match="no attribute 'none'"):
        _ = cli.none  # type: ignore[attr-defined]


def test_without_the_packages_of_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text('raise ModuleNotFoundError("no", name="typer")')
    code = "import sys; sys.path.insert(0, sys.argv.pop()); import clnwire.cli; clnwire.cli.main()"
    argv = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    said = "clnwire's command line needs more packages: pip install 'clnwire[cli]'\n"
    assert done.stderr == said


def test_importing_clnwire_loads_neither_host_nor_command_line() -> None:
    code = "import sys, clnwire; print([m for m in sys.modules if m.startswith(NAMES)])"
    code = code.replace("NAMES", '("clnwire.host", "clnwire.cli", "asyncio", "typer")')
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
