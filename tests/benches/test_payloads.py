"""What the suite sends is legal, and of the sizes it says."""

from __future__ import annotations

import gzip
import json

import pytest
from benches.suite import payloads
from benches.suite.cases import SIZES, cases, probes

from clnwire.bench.load.messages import ID, NUMBER


def sent(ask) -> str:
    """The request with the number 7."""
    return ask.text.replace(ID, ask.id).replace(NUMBER, "7")


@pytest.mark.parametrize("case", [*cases(), *probes()], ids=lambda case: case.name)
def test_each_case_sends_requests(case):
    for ask in case.settings()["requests"]:
        text = sent(ask)
        assert text.endswith("}\n\n")
        assert json.dumps(json.loads(text)["id"]) == ask.id.replace(NUMBER, "7")


@pytest.mark.parametrize("size", SIZES.values())
def test_a_db_write_has_the_size_that_was_asked_for(size):
    (ask,) = payloads.db_write(size)["requests"]
    assert abs(len(sent(ask)) - size) <= 80


@pytest.mark.parametrize("size", SIZES.values())
def test_a_db_write_with_escapes_has_one_in_130_bytes(size):
    (ask,) = payloads.db_write_with_escapes(size)["requests"]
    text = sent(ask)
    assert json.loads(text)["params"]["data_version"] == 7
    assert size / 200 <= text.count("\\") <= size / 130
    assert abs(len(text) - size) <= 80


@pytest.mark.parametrize("size", SIZES.values())
def test_a_db_write_beyond_ascii_has_two_percent(size):
    (ask,) = payloads.db_write_beyond_ascii(size)["requests"]
    text = sent(ask)
    assert json.loads(text)["params"]["data_version"] == 7
    assert 0.01 <= sum(not character.isascii() for character in text) / len(text) <= 0.02


def test_the_flood_is_of_connections():
    event = json.loads(payloads.flood()["notification"])
    assert event["method"] == "connect"
    assert set(event["params"]["connect"]) == {"id", "direction", "address"}


def test_the_blank_line_is_in_the_params():
    assert "\n\n" in sent(payloads.blank_line()["requests"][0])[:-2]
    assert json.loads(sent(payloads.blank_line()["requests"][0]))["params"] == [123000, 4]


def test_a_recordings_requests_are_those_for_the_hook(tmp_path):
    frames = [
        ("in", {"id": "cln:db_write#1", "method": "db_write", "params": {"writes": []}}),
        ("out", {"id": "cln:db_write#1", "result": {"result": "continue"}}),
        ("in", {"id": 2, "method": "htlc_accepted", "params": {}}),
        ("in", {"method": "db_write", "params": {}}),
    ]
    lines = [
        json.dumps({"t_us": 0, "dir": way, "frame": json.dumps(frame)}) for way, frame in frames
    ]
    broken = '{"method":"init","id":"1","params":[{]}'
    lines.append(json.dumps({"t_us": 0, "dir": "in", "frame": broken}))
    recording = tmp_path / "recording.jsonl.gz"
    recording.write_bytes(gzip.compress("\n".join(lines).encode()))
    (ask,) = payloads.recorded(recording, "db_write")
    assert (ask.id, ask.text) == ('"cln:db_write#1"', json.dumps(frames[0][1]) + "\n\n")
    assert [ask.id for ask in payloads.recorded(recording, "htlc_accepted")] == ["2"]
    with pytest.raises(ValueError, match="none of its requests is for the hook custommsg"):
        payloads.recorded(recording, "custommsg")
