"""What docs/protocol.md shows of messages is what `examples/hello.py` really says."""

from __future__ import annotations

import json

import pytest

from tests.daemon import Daemon
from tests.docs.pages import DOCS, ROOT, Block, blocks

MESSAGES = blocks(DOCS / "protocol.md", "json")


def dialects() -> dict[str, list[Block]]:
    """The messages of each dialect, which begin with the request for the manifest."""
    starts = [i for i, block in enumerate(MESSAGES) if '"method": "getmanifest"' in block.text]
    current, old = starts
    return {"current": MESSAGES[current:old], "2019": MESSAGES[old:]}


@pytest.mark.parametrize("dialect", ["current", "2019"])
def test_the_messages_are_the_real_ones(dialect):
    daemon = Daemon(ROOT / "examples" / "hello.py", dialect=dialect)
    replies = 0
    try:
        for block in dialects()[dialect]:
            message = json.loads(block.text)
            if "result" in message or message["method"] == "log":
                assert daemon.receive() == message
                replies += 1
            else:
                daemon.write(block.text)
                if message["method"] == "getmanifest" and dialect == "2019":
                    assert daemon.receive()["result"] == shown_manifest()
        assert daemon.hang_up() == 0
    finally:
        daemon.close()
    assert replies >= 3
    assert daemon.logs == []


def shown_manifest() -> object:
    """Of the current dialect; the page says that the other one's is the same."""
    return json.loads(MESSAGES[1].text)["result"]
