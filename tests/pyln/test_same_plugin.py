"""The same plugin, fed the same bytes, writes the same bytes on pyln-client and on clnwire."""

from __future__ import annotations

import difflib
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

import clnwire.pyln
from tests.docs.pages import DOCS
from tests.pyln.normal import normal
from tests.pyln.plugins import CASES, NAMES, Case

pytest.importorskip("pyln.client", reason="needs the dependency group: bench")
# On a busy machine the original takes long for its 5,000 held requests.
pytestmark = pytest.mark.timeout(300)

PATHS: Final = {
    "theirs": None,
    "ours": str(Path(clnwire.pyln.__file__).parent / "path"),
}


class Daemon:
    """Answers the calls of all plugins of a side, and keeps the bytes of the requests."""

    def __init__(self, path: Path) -> None:
        self.requests: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._path = path
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for number in itertools.count():
            connection, _ = self._listener.accept()
            received = connection.recv(1 << 20)
            if received == b"stop":
                connection.close()
                return
            threading.Thread(target=self._answer, args=(connection, received, number)).start()

    def _answer(self, connection: socket.socket, received: bytes, number: int) -> None:
        with connection:
            while received:
                try:
                    request, _ = json.JSONDecoder().raw_decode(received.decode())
                except ValueError:
                    received += connection.recv(1 << 20)
                    continue
                self.requests.append(received.decode())
                connection.sendall(_reply(request, number))
                received = connection.recv(1 << 20)

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(str(self._path))
            last.sendall(b"stop")
        self._thread.join()
        self._listener.close()

    def called_by(self, name: str) -> list[str]:
        """The requests of a plugin."""
        marks = (f"/{name}:", f'"{name}:')
        return sorted(each for each in self.requests if any(mark in each for mark in marks))


def _reply(request: dict[str, Any], number: int) -> bytes:
    reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] == "fail":
        reply["error"] = {"code": -1, "message": "as asked"}
    elif request["method"] == "which":
        reply["result"] = number
    else:
        reply["result"] = {"method": request["method"], "params": request["params"]}
    said = {"method": "progress", "params": {"id": 1, "num": 1, "total": 2}}
    messages = [said, reply] if request["method"] == "report" else [reply]
    return "".join(f"{json.dumps(each)}\n\n" for each in messages).encode()


class Side:
    """What all plugins have done on one side."""

    def __init__(self, folder: Path, path: str | None) -> None:
        self._daemon = Daemon(folder / "lightning-rpc")
        self._folder = str(folder)
        for case in CASES:
            (folder / f"{case.name}.py").write_text(case.source)
        try:
            # A share of the plugins for each of the processes, which work at the same time.
            with ThreadPoolExecutor() as pool:
                shares = [CASES[start::2] for start in range(2)]
                done = pool.map(lambda share: self._run(folder, share, path), shares)
                self._reports = {name: report for share in done for name, report in share.items()}
        finally:
            self._daemon.close()

    def _run(self, folder: Path, share: list[Case], path: str | None) -> dict[str, Any]:
        jobs = [
            {"name": case.name, "traffic": case.traffic.replace("FOLDER", str(folder))}
            for case in share
        ]
        environment = {**os.environ, **({"PYTHONPATH": path} if path else {})}
        run = subprocess.run(
            [sys.executable, Path(__file__).with_name("driver.py"), folder],
            input=json.dumps(jobs).encode(),
            stdout=subprocess.PIPE,
            env=environment,
            check=True,
        )
        reports = json.loads(run.stdout)
        return {case.name: report for case, report in zip(share, reports, strict=True)}

    def did(self, name: str) -> dict[str, Any]:
        report = self._reports[name]
        written = report["output"].replace(self._folder, "FOLDER").encode()
        calls = [each.replace(self._folder, "FOLDER") for each in self._daemon.called_by(name)]
        return {"written": normal(written), "status": report["status"], "calls": calls}


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Side]:
    folders = {name: tmp_path_factory.mktemp(name[:4]) for name in PATHS}
    with ThreadPoolExecutor() as pool:
        started = {name: pool.submit(Side, folders[name], path) for name, path in PATHS.items()}
    return {name: side.result() for name, side in started.items()}


# One test, so that one worker runs them all: it is the start of the two sides that takes long.
@pytest.mark.promise(
    "a plugin for pyln-client runs on clnwire instead",
    "it writes the same bytes; each difference is listed with its reason",
)
def test_the_same_plugins(sides: dict[str, Side]) -> None:
    wrong: dict[str, Any] = {}
    for case in CASES:
        theirs, ours = sides["theirs"].did(case.name), sides["ours"].did(case.name)
        shown = "\n".join(ours["written"])
        missing = [text for text in case.shows if text not in shown]
        if (ours == theirs) != (case.difference is None) or missing:
            wrong[case.name] = _compared(theirs, ours), missing
    assert not wrong, "\n".join(f"{name}: {each}" for name, each in wrong.items())


def _compared(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    lines = [
        f"{key} {value}"
        for key in theirs
        for value in difflib.unified_diff(
            *(
                [str(each) for each in side[key]] if key != "status" else [str(side[key])]
                for side in (theirs, ours)
            ),
            lineterm="",
            n=0,
        )
    ]
    return "\n".join(line[:400] for line in lines[:20])


def test_the_plugins_use_every_name() -> None:
    text = "\n".join(case.source for case in CASES)
    assert len(CASES) >= 60
    assert not [name for name in NAMES if name not in text]


@pytest.mark.promise("a plugin for pyln-client runs on clnwire instead")
def test_every_difference_is_in_the_docs_and_has_a_plugin_that_shows_it() -> None:
    section = (DOCS / "pyln.md").read_text().partition("### What is mended")[2]
    table = section.partition("|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()]
    assert {case.difference for case in CASES if case.difference} == {name for name, *_ in rows}
    assert all(theirs and ours for _, theirs, ours in rows)
