"""`clnwire demo` replicates a database through a plugin, and says so if that went wrong."""

from __future__ import annotations

import collections
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")
pytest.importorskip("rich", reason="needs the extra: clnwire[cli]")
pytest.importorskip("psutil", reason="needs the extra: clnwire[cli]")

from clnwire.cli.demo.compare import first_difference
from clnwire.cli.demo.traffic import SCHEMA, sets
from tests.cli.terminal import python

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
# What was measured of the recording, without the sets that made and migrated its tables.
STATEMENTS = (2, 2, 3, 16, 22, 25)
BYTES = (257, 389, 2_980, 7_240, 12_629, 15_971)
KINDS = {"UPDATE": 0.664, "INSERT": 0.174, "DELETE": 0.162}
COMMAND = [sys.executable, "-c", "from clnwire.cli import main; main()", "demo"]

LAGGING = """#!/usr/bin/env python3
import os
import sqlite3

from clnwire import Plugin
from clnwire.hooks import CONTINUE, DbWrite, Refuse

plugin = Plugin()
database = sqlite3.connect(os.environ["CLNWIRE_REPLICA"], isolation_level=None)
last = []


@plugin.hook("db_write")
def on_write(event: DbWrite) -> object:
    carry_out()
    version, writes = event.data_version, list(event.writes)
{body}
    last.extend(writes)
    return CONTINUE


@plugin.on_shutdown
def carry_out() -> None:
    for statement in last:
        database.execute(statement)
    last.clear()


plugin.run()
"""
"""Carries out each set at the next one, which proves that it was committed. Changed by a body."""

DYING = """#!/usr/bin/env python3
import json, sys
writes = 0
for line in sys.stdin:
    if not line.strip():
        continue
    request = json.loads(line)
    result = {}
    if request["method"] == "getmanifest":
        result = {"options": [], "rpcmethods": [], "hooks": [{"name": "db_write"}]}
    elif request["method"] == "db_write":
        writes += 1
        result = {"result": "continue"}
        if writes > 10:
            sys.exit(3)
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), end="\\n\\n")
    sys.stdout.flush()
"""


def demo(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return python("-m", "clnwire", "demo", *arguments, cwd=cwd)


def lagging(folder: Path, body: str) -> Path:
    path = folder / "lagging.py"
    path.write_text(LAGGING.replace("{body}", f"    {body}"))
    return path


class TestSame:
    def test_a_table_with_the_verdict_when_piped(self) -> None:
        outcome = demo("--writes", "50")
        assert (outcome.returncode, outcome.stderr) == (0, "")
        for words in ("writes a second", "99.9 %", "CPU time", "before commit 26", "row by row"):
            assert words in outcome.stdout

    def test_json(self) -> None:
        outcome = demo("--writes", "150", "--json")
        assert (outcome.returncode, outcome.stderr) == (0, "")
        report = json.loads(outcome.stdout)
        assert report["verdict"] == "same"
        assert report["writes"] == 150
        assert list(report["latency_us"]) == ["median", "p99", "p999", "max"]
        assert report["plugin_peak_memory_mb"] > 0
        assert report["restore_seconds"] > 0
        assert "difference" not in report
        assert "error" not in report

    def test_both_databases_are_kept_if_asked_for(self, tmp_path: Path) -> None:
        kept = tmp_path / "new" / "kept"
        assert demo("--writes", "20", "--keep", kept).returncode == 0
        assert {"node.sqlite3", "replica.sqlite3"} <= {path.name for path in kept.iterdir()}
        assert first_difference(kept / "node.sqlite3", kept / "replica.sqlite3") is None
        again = demo("--writes", "20", "--keep", kept)
        assert again.returncode == 2
        assert "is not empty" in again.stderr

    def test_another_plugin(self, tmp_path: Path) -> None:
        outcome = demo("--writes", "50", "--plugin", lagging(tmp_path, ""))
        assert (outcome.returncode, outcome.stderr) == (0, "")
        assert "row by row" in outcome.stdout


class TestDiffers:
    def outcome(self, folder: Path, body: str) -> tuple[str, dict[str, Any]]:
        outcome = demo("--writes", "30", "--json", "--plugin", lagging(folder, body))
        assert outcome.returncode == 1, outcome.stderr
        report: dict[str, Any] = json.loads(outcome.stdout)
        assert report["verdict"] == "differs"
        assert report["difference"] in outcome.stderr
        return report["difference"], report

    def test_a_replica_with_a_row_changed(self, tmp_path: Path) -> None:
        more = "UPDATE terms SET delay = 6 WHERE channel = 2 AND side = 1"
        body = f"if version == 31: writes.append({more!r})"
        difference, report = self.outcome(tmp_path, body)
        assert "table terms, row 6: the node has (6, 2, 1," in difference
        assert report["writes_per_second"] > 0

    def test_a_replica_that_was_not_kept(self, tmp_path: Path) -> None:
        difference, _ = self.outcome(tmp_path, "writes.clear()")
        assert "schema, anchors: the node has (" in difference
        assert difference.endswith("the replica nothing")

    def test_a_replica_that_is_not_there(self, tmp_path: Path) -> None:
        plugin = tmp_path / "lazy.py"
        plugin.write_text(
            "from clnwire import Plugin\nfrom clnwire.hooks import CONTINUE\nplugin = Plugin()\n"
            "plugin.hook('db_write')(lambda event: CONTINUE)\nplugin.run()\n"
        )
        outcome = demo("--writes", "5", "--plugin", plugin)
        assert outcome.returncode == 1
        assert "the plugin left no database at" in outcome.stderr

    def test_the_table_says_so(self, tmp_path: Path) -> None:
        plugin = lagging(tmp_path, "writes.clear()")
        outcome = demo("--writes", "5", "--plugin", plugin)
        assert outcome.returncode == 1
        assert "the replica differs" in outcome.stdout


class TestFails:
    def test_a_plugin_that_dies_in_the_middle(self, tmp_path: Path) -> None:
        plugin = tmp_path / "dying.py"
        plugin.write_text(DYING)
        outcome = demo("--writes", "30", "--plugin", plugin)
        assert outcome.returncode == 2
        assert outcome.stdout == ""
        assert len(outcome.stderr.splitlines()) == 1
        for words in ("write 10 of 30", "dying.py", "exited with status 3"):
            assert words in outcome.stderr

    def test_a_plugin_that_refuses(self, tmp_path: Path) -> None:
        plugin = lagging(tmp_path, "if version == 5: return Refuse('too tired')")
        outcome = demo("--writes", "30", "--json", "--plugin", plugin)
        assert outcome.returncode == 2
        report = json.loads(outcome.stdout)
        assert report["verdict"] == "failed"
        assert "too tired" in report["error"]
        assert "write 4 of 30" in report["error"]

    def test_an_engine_for_another_plugin(self) -> None:
        outcome = demo("--plugin", "mine.py", "--engine", "file:/tmp/replica")
        assert outcome.returncode == 2
        assert "leave out --plugin or --engine" in outcome.stderr

    def test_an_engine_that_is_unknown(self) -> None:
        outcome = demo("--engine", "redis://localhost")
        assert outcome.returncode == 2
        assert "an engine of that kind is unknown" in outcome.stderr

    def test_a_plugin_that_is_not_there(self, tmp_path: Path) -> None:
        outcome = demo("--plugin", tmp_path / "none.py")
        assert outcome.returncode == 2
        assert "none.py" in outcome.stderr
        assert "Traceback" not in outcome.stderr

    def test_a_plugin_without_the_hook(self, tmp_path: Path) -> None:
        plugin = tmp_path / "other.py"
        plugin.write_text("from clnwire import Plugin\nPlugin().run()\n")
        outcome = demo("--plugin", plugin)
        assert outcome.returncode == 2
        assert "db_write" in outcome.stderr


def test_ctrl_c_ends_it_with_130(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    command = [*COMMAND, "--writes", "1000000", "--keep", str(kept)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, stdout=pipe, stderr=pipe, start_new_session=True
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        while process.poll() is None and not (kept / "node.sqlite3").exists():
            time.sleep(0.01)
        if process.poll() is None:
            # As a terminal does it: to all of the group, the plugin included.
            os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate()
        watchdog.cancel()
    assert (errors.splitlines(), output) == ([b"clnwire demo: interrupted"], b"")
    assert process.returncode == 130


class TestTraffic:
    def test_has_the_shape_that_was_measured(self) -> None:
        found = list(sets(3000))
        frame = {"jsonrpc": "2.0", "id": "cln:db_write#1000", "method": "db_write"}
        sizes = [
            len(msgspec.json.encode({**frame, "params": {"data_version": 1000, "writes": writes}}))
            for writes in found
        ]
        assert quantiles(sizes) == pytest.approx(BYTES, rel=0.15)
        assert quantiles([*map(len, found)]) == pytest.approx(STATEMENTS, abs=1)
        kinds = collections.Counter(writes.split()[0] for set_ in found for writes in set_)
        shares = {kind: count / sum(kinds.values()) for kind, count in kinds.items()}
        assert shares == pytest.approx(KINDS, abs=0.05)

    def test_is_the_same_for_the_same_seed(self) -> None:
        assert list(sets(50, 3)) == list(sets(50, 3))
        assert list(sets(50, 3)) != list(sets(50, 4))

    def test_is_sql_that_works(self) -> None:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
            for writes in (SCHEMA, *sets(500)):
                for statement in writes:
                    database.execute(statement)
            (version,) = database.execute(
                "SELECT intval FROM vars WHERE name = 'data_version'"
            ).fetchone()
            assert version == 501


def quantiles(values: list[int]) -> tuple[int, ...]:
    ordered = sorted(values)
    return tuple(ordered[int(share * len(ordered))] for share in QUANTILES)


class TestFirstDifference:
    BASE = ("CREATE TABLE t (a)", "INSERT INTO t VALUES (1), ('x')", "CREATE TABLE u (b)")

    def difference(self, folder: Path, *replica: str) -> str | None:
        for name, statements in (("node", self.BASE), ("replica", replica)):
            with closing(sqlite3.connect(folder / name, isolation_level=None)) as database:
                for statement in statements:
                    database.execute(statement)
        return first_difference(folder / "node", folder / "replica")

    def test_none(self, tmp_path: Path) -> None:
        assert self.difference(tmp_path, *self.BASE) is None

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ("UPDATE t SET a = 1.0 WHERE a = 1", "table t, row 1: the node has (1, 1), the rep"),
            ("UPDATE t SET a = 'y' WHERE a = 'x'", "table t, row 2: the node has (2, 'x'), "),
            ("DELETE FROM t WHERE a = 'x'", "table t, row 2: the node has (2, 'x'), the replica "),
            ("INSERT INTO u VALUES (NULL)", "table u, row 1: the node has nothing, the replica "),
            ("UPDATE t SET rowid = 9 WHERE a = 'x'", "table t, row 2"),
            ("CREATE INDEX i ON t (a)", "schema, i: the node has nothing"),
            ("DROP TABLE u", "schema, u: the node has ("),
            ("ALTER TABLE t ADD COLUMN c", "schema, t: the node has ("),
        ],
    )
    def test_is_named(self, tmp_path: Path, more: str, expected: str) -> None:
        assert expected in (self.difference(tmp_path, *self.BASE, more) or "")

    def test_what_is_no_database(self, tmp_path: Path) -> None:
        assert self.difference(tmp_path, *self.BASE) is None
        (tmp_path / "replica").write_bytes(b"no database" * 1000)
        difference = first_difference(tmp_path / "node", tmp_path / "replica")
        assert "cannot be read" in (difference or "")
