"""Recorded traffic of a real daemon, played to real plugins: one valid answer to each request."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EVERYTHING = Path(__file__).parent / "everything.py"
DB_WRITE = """
from clnwire import Plugin
from clnwire.hooks import CONTINUE, DbWrite
plugin = Plugin()
version = 0

@plugin.hook("db_write")
def on_write(event: DbWrite):
    global version
    assert event.writes and event.data_version in (version - 1, version, version + 1), event
    version = event.data_version
    return CONTINUE

plugin.run()
"""


def replay(capture: Path, plugin: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "clnwire", "replay", "--json", str(capture)]
    run = subprocess.run(
        [*command, "--", sys.executable, str(plugin)],
        capture_output=True,
        text=True,
        check=False,
        cwd=plugin.parent,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    report: dict[str, object] = json.loads(run.stdout)
    assert report["log_lines"] == 0, "a handler that fails is logged"
    return report


def test_every_db_write(shared, tmp_path):
    plugin = tmp_path / "db_write.py"
    plugin.write_text(DB_WRITE)
    report = replay(shared / "captures" / "db_write.jsonl.gz", plugin)
    assert report["requests"] == 2162 + len(("getmanifest", "init"))


@pytest.mark.parametrize("capture", ["node", "forwarder"])
def test_every_hook_topic_and_call(shared, capture):
    replay(shared / "captures" / f"{capture}.jsonl.gz", EVERYTHING)
