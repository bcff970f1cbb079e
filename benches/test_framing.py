"""Measures frames, envelopes, ids and the outbox. Each benchmark checks its result."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from clnwire._core import Framer, IdMap, Outbox
from libraries import DECODERS, ENCODERS, decoder, encoder
from traffic import DB_WRITE, FRAMES, PARAMS, TOKEN

CONTINUE = b'{"result":"continue"}'


class Members(msgspec.Struct):
    """The envelope as msgspec decodes it, which does not validate the values that it skips."""

    id: msgspec.Raw
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()


@pytest.mark.parametrize("frame", FRAMES)
def test_framer(benchmark: Any, frame: str) -> None:
    framer, data = Framer(), FRAMES[frame] + b"\n\n"

    def one() -> bytes | None:
        framer.feed(data)
        return next(framer).id

    assert benchmark(one) == TOKEN


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("library", DECODERS)
def test_whole_decoding_instead(benchmark: Any, library: str, frame: str) -> None:
    """The cost of finding a frame's end by decoding the whole frame."""
    assert benchmark(decoder(library), FRAMES[frame])["id"] == "cln:db_write#7"


def test_framer_byte_by_byte(benchmark: Any) -> None:
    framer = Framer()
    pieces = [DB_WRITE[at : at + 1] for at in range(len(DB_WRITE))]

    def one() -> list[bytes]:
        found = []
        for piece in pieces:
            framer.feed(piece)
            found += [frame.bytes for frame in framer]
        return found

    assert benchmark(one) == [DB_WRITE]


def test_envelope(benchmark: Any) -> None:
    framer = Framer()
    framer.feed(DB_WRITE)
    frame = next(framer)

    def members() -> tuple[str, bytes | None, str | None, bytes | None]:
        return frame.kind, frame.id, frame.method, frame.params

    assert benchmark(members) == ("request", TOKEN, "db_write", PARAMS)


def test_envelope_by_msgspec(benchmark: Any) -> None:
    found = benchmark(msgspec.json.Decoder(Members).decode, DB_WRITE)
    assert (bytes(found.id), found.method, bytes(found.params)) == (TOKEN, "db_write", PARAMS)


@pytest.mark.parametrize("in_flight", [1, 1000])
def test_ids(benchmark: Any, in_flight: int) -> None:
    ids = IdMap()
    for _ in range(in_flight - 1):
        ids.insert(TOKEN)

    def one() -> bytes:
        return ids.take(ids.insert(TOKEN))

    assert benchmark(one) == TOKEN
    assert len(ids) == in_flight - 1


def test_outbox(benchmark: Any) -> None:
    outbox = Outbox()

    def one() -> bytes:
        outbox.reply(TOKEN, CONTINUE)
        return outbox.take()

    assert json.loads(benchmark(one))["id"] == "cln:db_write#7"


@pytest.mark.parametrize("library", ENCODERS)
def test_outbox_by_others(benchmark: Any, library: str) -> None:
    """A reply built as a dict in Python and encoded by a library."""
    encode = encoder(library)

    def one() -> bytes | str:
        return encode({"jsonrpc": "2.0", "id": "cln:db_write#7", "result": {"result": "continue"}})

    assert json.loads(benchmark(one))["id"] == "cln:db_write#7"
