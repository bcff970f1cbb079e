"""Messages in the daemon's form, for the micro-benchmarks."""

from __future__ import annotations

import json
from itertools import cycle, islice
from pathlib import Path
from typing import Any

CHANNELS = Path(__file__).parents[1] / "rust/core/benches/traffic"
TOKEN = b'"cln:db_write#7"'
WRITES = ["UPDATE channels SET next_htlc_id=17 WHERE id=3;" + "x" * 200] * 10


def compact(value: object) -> bytes:
    """JSON without white space, as the daemon writes it."""
    return json.dumps(value, separators=(",", ":")).encode()


PARAMS = compact({"data_version": 7, "writes": WRITES})
DB_WRITE = b'{"jsonrpc":"2.0","id":' + TOKEN + b',"method":"db_write","params":' + PARAMS + b"}"


def channels(method: str, count: int) -> dict[str, list[dict[str, Any]]]:
    """The result of `listchannels` or `listpeerchannels` with `count` channels."""
    lines = (CHANNELS / f"{method}.jsonl").read_text().splitlines()
    return {"channels": [json.loads(line) for line in islice(cycle(lines), count)]}


def reply(result: object) -> bytes:
    """The reply to the client's request number 7."""
    return b'{"jsonrpc":"2.0","id":' + TOKEN + b',"result":' + compact(result) + b"}"


FRAMES = {
    "db_write, 2.7 kB": DB_WRITE,
    "listchannels, 9 kB": reply(channels("listchannels", 20)),
    "listpeerchannels, 1 MB": reply(channels("listpeerchannels", 400)),
}
