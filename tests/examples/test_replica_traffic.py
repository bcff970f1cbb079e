"""examples/replica.py follows a real node: the recording of all writes from its birth on."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.examples.conftest import Node, approves


def recorded_sets(shared: Path) -> Iterator[tuple[int, list[str]]]:
    """Each set with its version."""
    with gzip.open(shared / "captures" / "db_write.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(json.loads(line)["frame"])
            if message.get("method") == "db_write":
                yield message["params"]["data_version"], message["params"]["writes"]


def test_the_replica_of_a_recording_is_the_node_s_database(shared: Path, node: Node) -> None:
    with closing(sqlite3.connect(node.path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        for version, writes in recorded_sets(shared):
            params = {"data_version": version, "writes": writes}
            assert approves(node.daemon.request("db_write", params))
            is_settings = writes[0].startswith("PRAGMA")
            for statement in writes if is_settings else ["BEGIN", *writes, "COMMIT"]:
                database.execute(statement)
    node.assert_same()
