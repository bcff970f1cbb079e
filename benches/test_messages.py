"""Measures decoding and encoding by clnwire and by JSON libraries. Each checks its result."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from clnwire._wire.codec import encode_any
from clnwire._wire.dialect import CURRENT
from clnwire.hooks import DbWrite, PeerDisconnect
from clnwire.hooks._answers import answer_encoder
from clnwire.hooks._catalogue import hook_spec
from libraries import DECODERS, ENCODERS, decoder, encoder
from traffic import PARAMS, WRITES, channels, compact

ANSWERS: dict[str, dict[str, Any]] = {
    "34 bytes": {"result": "Hello World", "count": 3},
    "9 kB": channels("listchannels", 20),
    "230 kB": channels("listchannels", 500),
}


def test_decode(benchmark: Any) -> None:
    """A typed event with the decoder of a handler's route."""
    event = benchmark(hook_spec("db_write").decoder(), PARAMS)
    assert event == DbWrite(data_version=7, writes=WRITES)


def test_decode_by_msgspec(benchmark: Any) -> None:
    assert benchmark(msgspec.json.Decoder(DbWrite).decode, PARAMS).writes == WRITES


@pytest.mark.parametrize("library", DECODERS)
def test_decode_to_dict(benchmark: Any, library: str) -> None:
    assert benchmark(decoder(library), PARAMS)["writes"] == WRITES


def test_encode(benchmark: Any) -> None:
    """A typed answer with the encoder of a handler's route."""
    encode = answer_encoder(hook_spec("peer_connected"), CURRENT, print)
    answer = PeerDisconnect(error_message="not today")
    expected = {"result": "disconnect", "error_message": "not today"}
    assert json.loads(benchmark(encode, answer)) == expected


@pytest.mark.parametrize("size", ANSWERS)
@pytest.mark.parametrize("library", [*ENCODERS, "clnwire"])
def test_encode_untyped(benchmark: Any, library: str, size: str) -> None:
    """Shows why dict answers use orjson where it is installed."""
    encode = encode_any if library == "clnwire" else encoder(library)
    assert json.loads(benchmark(encode, ANSWERS[size])) == ANSWERS[size]


@pytest.mark.parametrize("size", ANSWERS)
@pytest.mark.parametrize("library", DECODERS)
def test_decode_untyped(benchmark: Any, library: str, size: str) -> None:
    """Shows why untyped replies use msgspec: the libraries differ little."""
    assert benchmark(decoder(library), compact(ANSWERS[size])) == ANSWERS[size]
