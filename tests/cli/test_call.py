"""`clnwire call`, byte for byte, against a daemon that says what the test wants."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire.cli._params import WordError, params_text, value_text
from tests.cli.terminal import clnwire, one_line, short_folder

folder = pytest.fixture(short_folder)


class FakeDaemon:
    """Answers each connection's commands: `notifications` as a daemon does, others as told."""

    def __init__(self, path: Path) -> None:
        self.answer: list[str] = ['{"jsonrpc":"2.0","id":ID,"result":{}}']
        self.requests: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        text = ""
        while data := connection.recv(65536):
            text += data.decode()
            while "\n\n" in text:
                request, _, text = text.partition("\n\n")
                token = json.dumps(json.loads(request)["id"])
                if '"notifications"' in request:
                    connection.sendall(f'{{"jsonrpc":"2.0","id":{token},"result":{{}}}}'.encode())
                    continue
                self.requests.append(request)
                for message in self.answer:
                    connection.sendall(message.replace("ID", token).encode())
                if not self.answer:
                    return

    @property
    def request(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.requests[-1])
        return found


@pytest.fixture
def daemon(folder: Path) -> Iterator[FakeDaemon]:
    (folder / "regtest").mkdir()
    daemon = FakeDaemon(folder / "regtest" / "lightning-rpc")
    yield daemon
    daemon.close()


def result(text: str) -> list[str]:
    return ['{"jsonrpc":"2.0","id":ID,"result":%s}\n\n' % text]  # noqa: UP031 - it has braces


def test_the_result_is_indented_and_its_numbers_are_kept(daemon: FakeDaemon, folder: Path) -> None:
    daemon.answer = result('{"a":18446744073709551616, "b" : [1.50,"ü"]}')
    done = clnwire("call", "hello", "--lightning-dir", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        '{\n   "a": 18446744073709551616,\n   "b": [\n      1.50,\n      "ü"\n   ]\n}\n'
    )
    raw = clnwire("call", "-R", "hello", f"--rpc-file={folder}/regtest/lightning-rpc")
    assert raw.stdout == '{"a":18446744073709551616, "b" : [1.50,"ü"]}\n'
    assert daemon.request["params"] == []
    assert daemon.request["id"].startswith("cli:hello#")
    assert "filter" not in daemon.request


def test_parameters(daemon: FakeDaemon, folder: Path) -> None:
    words = ["name=Rusty", "n=-5", "big=18446744073709551616", 'o={"a": [1]}', "e="]
    assert clnwire("call", "m", *words, "--lightning-dir", folder).returncode == 0
    assert (
        '"params":{"name":"Rusty","n":-5,"big":18446744073709551616,"o":{"a": [1]},"e":""}'
        in (daemon.requests[-1])
    )
    ordered = clnwire("call", "--lightning-dir", folder, "-o", "m", "a=b", "-5", "null", "x y")
    assert ordered.returncode == 0
    assert daemon.request["params"] == ["a=b", -5, None, "x y"]


def test_a_filter(daemon: FakeDaemon, folder: Path) -> None:
    done = clnwire("call", "m", "--filter", '{"a": true}', "--lightning-dir", folder)
    assert done.returncode == 0
    assert daemon.request["filter"] == {"a": True}
    refused = clnwire("call", "m", "--filter", "[1]", "--lightning-dir", folder)
    assert "must be a JSON object" in one_line(refused, 2)


def test_plain_text(daemon: FakeDaemon, folder: Path) -> None:
    daemon.answer = result('{"help":[{"command":"a [b]"},{"command":"c"}],"format-hint":"simple"}')
    assert clnwire("call", "help", "--lightning-dir", folder).stdout == "a [b]\nc\n"
    daemon.answer = result('{"format-hint":"simple","one":"line\\nmore","two":7}')
    assert clnwire("call", "m", "--lightning-dir", folder).stdout == "one=line\nmore\ntwo=7\n"
    daemon.answer = result('{"deep":{"format-hint":"simple"}}')
    assert clnwire("call", "m", "--lightning-dir", folder).stdout.startswith("{\n")


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"format-hint":"simple","a":"\ud800"}'])
def test_a_result_that_python_cannot_hold(daemon: FakeDaemon, folder: Path, text: str) -> None:
    daemon.answer = result(text)
    done = clnwire("call", "m", "--lightning-dir", folder)
    assert (done.returncode, done.stdout) == (0, f"{text}\n")


def test_a_refusal(daemon: FakeDaemon, folder: Path) -> None:
    daemon.answer = ['{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"Unknown"}}']
    done = clnwire("call", "m", "--lightning-dir", folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == '{\n   "code": -32601,\n   "message": "Unknown"\n}\n'


def notice(method: str, params: str) -> str:
    return f'{{"jsonrpc":"2.0","method":"{method}","params":{{"id":ID,{params}}}}}\n\n'


def test_what_a_plugin_says_meanwhile(daemon: FakeDaemon, folder: Path) -> None:
    daemon.answer = [
        notice("message", '"level":"debug","message":"detail"'),
        notice("message", '"level":"info","message":"working"'),
        notice("progress", '"num":1,"total":3'),
        notice("progress", '"num":3,"total":3,"stage":{"num":0,"total":2}'),
        notice("progress", '"num":"nonsense"'),
        *result("1"),
    ]
    done = clnwire("call", "m", "--lightning-dir", folder)
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert done.stderr.splitlines() == [
        "# working",
        f"# [{'=' * 10}{' ' * 20}] 1/3",
        f"# stage 1/2 [{'=' * 30}] 3/3",
    ]
    more = clnwire("call", "m", "-N", "debug", "--lightning-dir", folder)
    assert more.stderr.startswith("# detail\n# working\n")
    assert clnwire("call", "m", "-N", "none", "--lightning-dir", folder).stderr == ""


def test_nobody_listens(folder: Path) -> None:
    done = clnwire("call", "getinfo", "--lightning-dir", folder)
    said = one_line(done, 2)
    assert said.startswith(f"clnwire call: no daemon answers at {folder}/regtest/lightning-rpc: ")
    assert "clnwire run" in said


def test_a_daemon_that_hangs_up(daemon: FakeDaemon, folder: Path) -> None:
    daemon.answer = []
    said = one_line(clnwire("call", "m", "--lightning-dir", folder), 2)
    assert "hung up before it answered" in said


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["a=1", "b"], "'b' must be KEY=VALUE"),
        (["-k", "b"], "'b' must be KEY=VALUE"),
        (["a=1", "a=2"], "'a' is given twice"),
        (["-k", "-o"], "give -k or -o, not both"),
        (["{a:1}"], "not JSON: '{a:1}'"),
        (["--typo"], "there is no option --typo; a parameter is written key=--typo"),
        (["--n=1"], "there is no option --n=1; a parameter is written n=1"),
        (["-N", "loud"], "--notifications must be one of trace, "),
        (["\udcff"], "not UTF-8"),
    ],
)
def test_a_command_line_that_is_wrong(folder: Path, words: list[str], part: str) -> None:
    assert part in one_line(clnwire("call", "m", *words, "--lightning-dir", folder), 2)


@pytest.mark.parametrize("command", ["call", "fire", "hook"])
def test_a_name_that_is_no_utf8(folder: Path, command: str) -> None:
    assert "not UTF-8" in one_line(clnwire(command, "\udcff", "--lightning-dir", folder), 2)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("7", "7"),
        ("-0.50", "-0.50"),
        ("007", '"007"'),
        ("1e5", '"1e5"'),
        ("true", "true"),
        ("True", '"True"'),
        ('"7"', '"7"'),
        ('"', '"\\""'),
        ("[1, {}]", "[1, {}]"),
        ("", '""'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_words(word: str, text: str) -> None:
    assert value_text(word).decode() == text


def test_a_json_word_with_a_sign_in_it_does_not_make_keywords() -> None:
    assert params_text(['{"a":"b=c"}']) == b'[{"a":"b=c"}]'
    assert params_text(["https://a/?b=c"]) == b'["https://a/?b=c"]'
    assert params_text([], keyword=True) == b"{}"
    with pytest.raises(WordError, match="not UTF-8"):
        params_text(["a\udcff"])


def test_only_the_command_that_is_used_is_imported() -> None:
    code = """
import sys
sys.argv = ["clnwire", "call", "--rpc-file=/nowhere", "m"]
import clnwire.cli
try:
    clnwire.cli.main()
except SystemExit as end:
    assert end.code == 2
heavy = ["asyncio", "psutil", "rich.console", "clnwire.host", "clnwire.cli.replay"]
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
