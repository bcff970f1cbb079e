"""For valgrind (`make test-valgrind`): the unsafe block of the decoder of `db_write`, which makes
strings of each width, and what refuses them."""

from __future__ import annotations

import json
from itertools import product

import msgspec

from clnwire._core import WritesDecoder
from clnwire.hooks import DbWrite

LETTERS = ("a", "é", "€", "😀", '"', "\n", "\ud83d")
BROKEN = (b'"\\u12', b'"\\ud83d\\u0041"', b'"\xff"', b'"\xf0\x9f"', b'"\\x"', b'"abc')


def main() -> None:
    decode = WritesDecoder(DbWrite, lambda params: None)
    reference = msgspec.json.Decoder(DbWrite).decode
    made = 0
    for first, second, ascii_only in product(LETTERS, LETTERS, (True, False)):
        if not ascii_only and "\ud83d" in (first, second):
            continue
        for length in (0, 1, 2, 15, 16, 17, 33, 1000):
            writes = [first * length + second, second + first * length]
            event = {"data_version": 1, "writes": writes}
            params = json.dumps(event, separators=(",", ":"), ensure_ascii=ascii_only).encode()
            if (found := decode(params)) is not None:
                assert found == reference(params)
                made += 1
    for text in BROKEN:
        decode(b'{"data_version":1,"writes":[' + text + b"]}")
    assert made > 400, made
    print(f"{made} events")


if __name__ == "__main__":
    main()
