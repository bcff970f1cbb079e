"""examples/replica.py follows a real node: the recording of all writes from its birth on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from tests.examples.conftest import Node


def recorded_sets(shared: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each set with its version."""
    with gzip.open(shared / "captures" / "db_write.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(json.loads(line)["frame"])
            if message.get("method") == "db_write":
                yield message["params"]["data_version"], tuple(message["params"]["writes"])


def test_the_replica_of_a_recording_is_the_node_s_database(shared: Path, node: Node) -> None:
    for version, writes in recorded_sets(shared):
        if all(statement.startswith("PRAGMA") for statement in writes):
            node.set(*writes, version=version)
        else:
            assert node.next_version() == version
            node.commit(*writes)
    # The node was stopped before it committed; then it started again, and went another way.
    node.lose("DELETE FROM vars", "DROP TABLE version", "ALTER TABLE payments RENAME TO paid")
    node.end()
    node.commit("UPDATE vars SET intval = intval + 1 WHERE name = 'data_version'")
    node.assert_same()
